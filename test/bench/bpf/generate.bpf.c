// A generator and a sink for the data-plane bench, in the kernel, as one in user space hides everything above what it can send.
//
// `generate` is run by BPF_PROG_TEST_RUN with live frames (kernel 5.18): each frame is written anew from the table, as frames are
// recycled with what the forwarder made of them, and is sent out of one interface. `sink` drops what arrives, which the interface has counted.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define FRAMES 65536
#define FRAME_WORDS 8

struct frame {
  __u64 words[FRAME_WORDS];
};

// The frames, one after the other; shorter ones are padded with zeros.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, FRAMES);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct frame);
} frames SEC(".maps");

// [0] the next frame, [1] the interface to send from.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, __u32);
} control SEC(".maps");

SEC("xdp")
int generate(struct xdp_md *ctx) {
  __u64 *data = (__u64 *)(long)ctx->data;
  if ((void *)data + sizeof(struct frame) > (void *)(long)ctx->data_end) return XDP_ABORTED;
  __u32 key = 0;
  __u32 *next = bpf_map_lookup_elem(&control, &key);
  key = 1;
  __u32 *out = bpf_map_lookup_elem(&control, &key);
  if (!next || !out) return XDP_ABORTED;
  __u32 index = (*next)++ & (FRAMES - 1);
  struct frame *frame = bpf_map_lookup_elem(&frames, &index);
  if (!frame) return XDP_ABORTED;
#pragma unroll
  for (int i = 0; i < FRAME_WORDS; i++) data[i] = frame->words[i];
  return bpf_redirect(*out, 0);
}

SEC("xdp")
int sink(struct xdp_md *ctx) {
  return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
