// SPDX-License-Identifier: Apache-2.0
/*
 * softvasic's forwarding in the kernel: what src/vasic/engine does with a packet, for the kinds of nodes in layout.h. Everything
 * else, and everything in doubt, goes to the TypeScript engine as it came. So a packet is first followed to its end with nothing
 * changed (send_usual() of usual.h for most, decide() of graph.h for all others), and changed only when it is certain that it leaves.
 *
 * The program reads two maps that the dataplane thread writes while it runs: the heap and the globals (layout.h; the order of
 * stores is in layout.ts). Whatever is read there may be half of a change: each address is masked to the heap, each loop is
 * bounded, and the versions say afterwards whether what was read counts.
 *
 * Two programs: `tc` at the ingress of a port, which sees 64 KB segments whole, and `xdp`. They differ in how a packet is had and
 * given on; all else is shared. Helpers no newer than kernel 5.15 are used.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "change.h"
#include "counts.h"
#include "graph.h"
#include "headers.h"
#include "memory.h"
#include "usual.h"

/*
 * Keeps a flow in its order whose large segments are left to the TypeScript engine, which takes longer: for some seconds its other packets go there as
 * well. Only UDP, and what gets or loses labels, has such segments and others that the kernel forwards.
 */
static __always_inline void keep_order(struct way *way, const struct headers *h)
{
	int is_cut = h->segment && way->verdict == VERDICT_SLOW && way->reason == REASON_SEGMENT;
	int may_follow = way->verdict == VERDICT_SENT && globals[GLOBAL_CUT] &&
			 (way->pushed || way->popped || h->proto == PROTO_UDP);
	volatile __u32 *flow;
	__u32 now;

	if (!is_cut && !may_follow)
		return;
	flow = globals + GLOBAL_FLOWS_CUT + (mix(hash_flow(h), way->in) & (FLOWS_CUT - 1));
	now = cut_clock();
	if (is_cut) {
		*flow = now;
		globals[GLOBAL_CUT] = now;
	} else if (*flow && now - *flow <= CUT_UNITS) {
		slow(way, REASON_AFTER_SEGMENT);
	}
}

static __always_inline int is_tag(__u32 type)
{
	return type == TYPE_VLAN || type == TYPE_QINQ;
}

/* Of a function for usual packets: it is none, and nothing was done. Neither program returns this. */
#define UNUSUAL (-2)

static __always_inline int forward_usual_xdp(struct xdp_md *ctx, __u32 in)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct arrival arrival = { .in = in, .frame = end - data, .native = 1 };
	struct departure departure;

	if (!send_usual(data, end, &arrival, &departure))
		return UNUSUAL;
	report(ctx->ingress_ifindex, VERDICT_SENT, departure.out, 0);
	count_usual(&arrival, &departure);
	return bpf_redirect(departure.out_ifindex, 0);
}

static __always_inline int forward_usual_tc(struct __sk_buff *skb, __u32 in)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct arrival arrival = { .in = in, .frame = skb->len, .segment = skb->gso_size };
	struct departure departure;

	if (skb->vlan_present || !send_usual(data, end, &arrival, &departure))
		return UNUSUAL;
	if (!departure.is_ip4)
		sum_hops(skb, departure.hops + 1, departure.hops);
	report(skb->ifindex, VERDICT_SENT, departure.out, 0);
	count_usual(&arrival, &departure);
	return bpf_redirect(departure.out_ifindex, 0);
}

static __always_inline int forward_unusual_xdp(struct xdp_md *ctx, __u32 in)
{
	__u32 ifindex = ctx->ingress_ifindex;
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u32 frame = end - data;
	struct headers h = {};
	struct way way = {};

	way.in = in;
	way.native = 1;
	if (!parse(&h, data, end, frame, 0))
		slow(&way, REASON_SHORT);
	else if (is_tag(h.type))
		slow(&way, REASON_TAGGED);
	else
		decide(&way, &h);
	if (way.verdict == VERDICT_SENT) {
		int more = (int)(way.pushed - way.popped) * LABEL_BYTES;
		int padding = (int)frame + more - (int)way.length;

		if (padding > 0 && bpf_xdp_adjust_tail(ctx, -padding))
			slow(&way, REASON_UNCHANGED);
		else if (more && bpf_xdp_adjust_head(ctx, -more))
			slow(&way, REASON_UNCHANGED);
		else if (!write_labels_xdp(ctx, &way) ||
			 !rewrite((void *)(long)ctx->data, (void *)(long)ctx->data_end, &way, &h))
			/* Not to be: the headers were read, the tail behind them taken off, and room made. */
			return XDP_ABORTED;
	}
	report(ifindex, way.verdict, way.out, way.reason);
	if (way.verdict == VERDICT_SLOW) {
		count_slow(&way, frame);
		return XDP_PASS;
	}
	count_way(&way, &h);
	return way.verdict == VERDICT_SENT ? bpf_redirect(way.out_ifindex, 0) : XDP_DROP;
}

SEC("xdp")
int forward_xdp(struct xdp_md *ctx)
{
	__u32 port = find_port(ctx->ingress_ifindex);
	int usual;

	if (port == 0)
		return XDP_PASS;
	usual = forward_usual_xdp(ctx, port - 1);
	return usual == UNUSUAL ? forward_unusual_xdp(ctx, port - 1) : usual;
}

static __always_inline int forward_unusual_tc(struct __sk_buff *skb, __u32 in)
{
	__u32 ifindex = skb->ifindex;
	__u32 frame = skb->len;
	__u32 headers = frame < HEADERS_BYTES ? frame : HEADERS_BYTES;
	struct headers h = {};
	struct way way = {};

	way.in = in;
	if ((void *)(long)skb->data + headers > (void *)(long)skb->data_end)
		bpf_skb_pull_data(skb, headers);
	if (!parse(&h, (void *)(long)skb->data, (void *)(long)skb->data_end, frame, skb->gso_size))
		slow(&way, REASON_SHORT);
	else if (skb->vlan_present || is_tag(h.type))
		/* A card, or the kernel, may have taken the tag out of the frame. */
		slow(&way, REASON_TAGGED);
	else
		decide(&way, &h);
	keep_order(&way, &h);
	if (way.verdict == VERDICT_SENT) {
		__u32 length = way.length - (way.pushed - way.popped) * LABEL_BYTES;

		if (length < frame && bpf_skb_change_tail(skb, length, 0))
			slow(&way, REASON_UNCHANGED);
		else if (((way.pushed || way.popped) && !label_tc(skb, &way)) ||
			 !rewrite((void *)(long)skb->data, (void *)(long)skb->data_end, &way, &h))
			return TC_ACT_SHOT;
		else if (h.ip == TYPE_IP6 && way.changes_hops)
			sum_hops(skb, h.hops, way.hops);
	}
	report(ifindex, way.verdict, way.out, way.reason);
	if (way.verdict == VERDICT_SLOW) {
		__u32 to = port_at(way.in)[PORT_SLOW_IFINDEX];

		count_slow(&way, frame);
		skb->mark = SLOW_MARK;
		return to ? bpf_redirect(to, 0) : TC_ACT_SHOT;
	}
	count_way(&way, &h);
	return way.verdict == VERDICT_SENT ? bpf_redirect(way.out_ifindex, 0) : TC_ACT_SHOT;
}

SEC("tc")
int forward_tc(struct __sk_buff *skb)
{
	__u32 port = find_port(skb->ifindex);
	int usual;

	if (port == 0)
		return TC_ACT_SHOT;
	usual = forward_usual_tc(skb, port - 1);
	return usual == UNUSUAL ? forward_unusual_tc(skb, port - 1) : usual;
}

char _license[] SEC("license") = "Apache-2.0";
