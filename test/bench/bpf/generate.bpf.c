// A generator and a sink for the data-plane bench, in the kernel, as one in user space hides everything above what it can send.
//
// `generate` is run by BPF_PROG_TEST_RUN with live frames (kernel 5.18): each frame is written anew from the table, as frames are
// recycled with what the forwarder made of them, and is sent out of one interface. `sink` drops what arrives, which the interface has counted.
// `wire` and `wire_tc` stand in a forwarder's place and do nothing of what one has to do.
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

// How many packets there is a look at the clock.
#define STAMPED 256

struct control {
  // How many were made, and so the next frame.
  __u32 made;
  // The interface to send from.
  __u32 out;
  // Nanoseconds at the first packet, and at the last at which there was a look.
  __u64 first;
  __u64 last;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct control);
} control SEC(".maps");

SEC("xdp")
int generate(struct xdp_md *ctx) {
  __u64 *data = (__u64 *)(long)ctx->data;
  if ((void *)data + sizeof(struct frame) > (void *)(long)ctx->data_end) return XDP_ABORTED;
  __u32 key = 0;
  struct control *control_of = bpf_map_lookup_elem(&control, &key);
  if (!control_of) return XDP_ABORTED;
  __u32 number = control_of->made++;
  if (number % STAMPED == 0) {
    control_of->last = bpf_ktime_get_ns();
    if (number == 0) control_of->first = control_of->last;
  }
  __u32 index = number & (FRAMES - 1);
  struct frame *frame = bpf_map_lookup_elem(&frames, &index);
  if (!frame) return XDP_ABORTED;
#pragma unroll
  for (int i = 0; i < FRAME_WORDS; i++) data[i] = frame->words[i];
  return bpf_redirect(control_of->out, 0);
}

SEC("xdp")
int sink(struct xdp_md *ctx) {
  return XDP_DROP;
}

// The interface that `wire` sends out of.
const volatile __u32 wire_out SEC(".rodata.wire") = 0;

SEC("xdp")
int wire(struct xdp_md *ctx) {
  return bpf_redirect(wire_out, 0);
}

SEC("tc")
int wire_tc(struct __sk_buff *skb) {
  return bpf_redirect(wire_out, 0);
}

char LICENSE[] SEC("license") = "GPL";
