/*
 * A kernel with MPLS and VRF devices, as far as zebra looks: an instrument of the lab, preloaded into zebra where the kernel that
 * the tests run on may have neither. It never comes near fpm2afi or softvasic, which see the kernel as it is.
 *
 * zebra sends to FPM only what the kernel took. So, on rtnetlink sockets:
 *   - /proc/sys/net/mpls is there, and zebra turns MPLS on;
 *   - a nexthop with labels goes into the kernel without them: what this host sends itself goes by plain IP, hop by hop;
 *   - a route of a VRF by such a nexthop would lead astray without labels: in the kernel it ends in the VRF's device. So Linux still
 *     answers for what it is handed, an expired TTL above all;
 *   - an LSP is not for this kernel: its refusal becomes a success, as do those of the messages changed here;
 *   - the devices named in LAB_VRFS (`red:1001:tap2:tap3,blue:1002:tap4`: a device, its table, the interfaces in it) are VRF
 *     devices with these tables. They have to be bridges: their IFLA_LINKINFO has room for a VRF's, so no message grows.
 * All else passes as it is: errors of other messages stay errors.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/lwtunnel.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AF_MPLS
#define AF_MPLS 28
#endif
#define MPLS_FOLDER "/proc/sys/net/mpls"
#define ATTR_TYPES 0x3fff
#define TYPE(attr) ((attr)->rta_type & ATTR_TYPES)

/* ---- what was changed ---- */

/* Sequence numbers of messages whose outcome is a success whatever the kernel says. zebra counts up on each socket. */
#define SEQS 65536
static uint32_t forgiven[SEQS];
/* Nexthop ids, of single ones and groups, that have labels in zebra's view. */
#define NEXTHOPS (1u << 22)
static uint8_t labelled[NEXTHOPS / 8];

static void set_labelled(uint32_t id, int is)
{
	if (id >= NEXTHOPS)
		return;
	if (is)
		labelled[id / 8] |= 1 << id % 8;
	else
		labelled[id / 8] &= ~(1 << id % 8);
}

static int is_labelled(uint32_t id)
{
	return id < NEXTHOPS && (labelled[id / 8] >> id % 8 & 1);
}

static uint32_t u32(const struct rtattr *attr)
{
	uint32_t value;
	memcpy(&value, RTA_DATA(attr), sizeof value);
	return value;
}

/* ---- VRFs by LAB_VRFS ---- */

/* The VRF by the name of its device, by an interface in it, or by its table: the one that is given. Its table, and its device's name; 0: none. */
static uint32_t find_vrf(const char *name, const char *port, uint32_t by, char device[IF_NAMESIZE])
{
	const char *at = getenv("LAB_VRFS");
	while (at && *at) {
		char part[256];
		size_t length = strcspn(at, ",");
		if (length >= sizeof part)
			return 0;
		memcpy(part, at, length);
		part[length] = 0;
		at += length + (at[length] == ',');
		char *rest = part, *vrf = strsep(&rest, ":"), *table = strsep(&rest, ":"), *one;
		if (!table)
			continue;
		uint32_t number = strtoul(table, NULL, 10);
		int found = (name && strcmp(vrf, name) == 0) || number == by;
		while (port && !found && (one = strsep(&rest, ":")))
			found = strcmp(one, port) == 0;
		if (!found)
			continue;
		strncpy(device, vrf, IF_NAMESIZE - 1);
		return number;
	}
	return 0;
}

static void put_attr(struct rtattr *attr, unsigned short type, const void *data, size_t length)
{
	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(length);
	memcpy(RTA_DATA(attr), data, length);
}

/* Turns the IFLA_LINKINFO of a bridge into a VRF's; what is left of its room becomes an attribute that nobody knows. */
static void become_vrf(struct rtattr *info, uint32_t table)
{
	size_t room = RTA_PAYLOAD(info), kind = RTA_SPACE(4), data = RTA_SPACE(RTA_SPACE(4));
	if (room < kind + data)
		return;
	char *at = RTA_DATA(info);
	memset(at, 0, room);
	put_attr((struct rtattr *)at, IFLA_INFO_KIND, "vrf", 4);
	struct rtattr *outer = (struct rtattr *)(at + kind);
	outer->rta_type = IFLA_INFO_DATA;
	outer->rta_len = RTA_LENGTH(RTA_SPACE(4));
	put_attr(RTA_DATA(outer), IFLA_VRF_TABLE, &table, 4);
	struct rtattr *rest = (struct rtattr *)(at + kind + data);
	if (room - kind - data >= sizeof *rest) {
		rest->rta_type = ATTR_TYPES;
		rest->rta_len = room - kind - data;
	}
}

/* A TAP says that it is a `tun`, which nobody needs to know of a port in a VRF; its group, too, gives way to the master. */
static void become_member(struct rtattr *info, struct rtattr *group, uint32_t master)
{
	struct rtattr *kind = RTA_DATA(info);
	if (RTA_PAYLOAD(info) < RTA_SPACE(4) || TYPE(kind) != IFLA_INFO_KIND || RTA_PAYLOAD(kind) != 4)
		return;
	put_attr(kind, IFLA_INFO_SLAVE_KIND, "vrf", 4);
	put_attr(group, IFLA_MASTER, &master, 4);
}

static void view_link(struct nlmsghdr *header)
{
	struct ifinfomsg *link = NLMSG_DATA(header);
	int left = header->nlmsg_len - NLMSG_LENGTH(sizeof *link);
	struct rtattr *name = NULL, *info = NULL, *group = NULL, *attr;
	for (attr = IFLA_RTA(link); RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		switch (TYPE(attr)) {
		case IFLA_IFNAME:
			name = attr;
			break;
		case IFLA_LINKINFO:
			info = attr;
			break;
		case IFLA_GROUP:
			group = attr;
			break;
		}
	if (!name || !info)
		return;
	char device[IF_NAMESIZE] = "";
	uint32_t table = find_vrf(RTA_DATA(name), NULL, 0, device);
	if (table) {
		become_vrf(info, table);
		/* A bridge without ports has no carrier; a VRF device always has. */
		link->ifi_flags |= IFF_RUNNING | 0x10000;
	} else if (group && find_vrf(NULL, RTA_DATA(name), 0, device)) {
		uint32_t master = if_nametoindex(device);
		if (master)
			become_member(info, group, master);
	}
}

/* ---- what zebra sends ---- */

/* Copies a message without the attributes of these two types. Returns the copy's length. */
static size_t copy_without(const struct nlmsghdr *from, char *to, size_t fixed, int encap, int encap_type)
{
	size_t head = NLMSG_LENGTH(fixed), at = NLMSG_ALIGN(head);
	memcpy(to, from, at);
	int left = from->nlmsg_len - at;
	for (struct rtattr *attr = (struct rtattr *)((char *)from + at); RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (TYPE(attr) == encap || TYPE(attr) == encap_type)
			continue;
		memcpy(to + at, attr, attr->rta_len);
		memset(to + at + attr->rta_len, 0, RTA_ALIGN(attr->rta_len) - attr->rta_len);
		at += RTA_ALIGN(attr->rta_len);
	}
	((struct nlmsghdr *)to)->nlmsg_len = at;
	return at;
}

static size_t send_nexthop(const struct nlmsghdr *from, char *to)
{
	uint32_t id = 0;
	int has_labels = 0, left = from->nlmsg_len - NLMSG_LENGTH(sizeof(struct nhmsg));
	for (struct rtattr *attr = (struct rtattr *)((char *)from + NLMSG_SPACE(sizeof(struct nhmsg))); RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		switch (TYPE(attr)) {
		case NHA_ID:
			id = u32(attr);
			break;
		case NHA_ENCAP_TYPE:
			has_labels |= *(uint16_t *)RTA_DATA(attr) == LWTUNNEL_ENCAP_MPLS;
			break;
		case NHA_GROUP:
			for (size_t i = 0; i < RTA_PAYLOAD(attr) / sizeof(struct nexthop_grp); i++)
				has_labels |= is_labelled(((struct nexthop_grp *)RTA_DATA(attr))[i].id);
			break;
		}
	set_labelled(id, has_labels);
	return copy_without(from, to, sizeof(struct nhmsg), NHA_ENCAP, NHA_ENCAP_TYPE);
}

/* Turns a route by a nexthop id into one out of its VRF's device, both being a number of four bytes. */
static void end_in_device(struct nlmsghdr *header, uint32_t table)
{
	char device[IF_NAMESIZE] = "";
	uint32_t ifindex = find_vrf(NULL, NULL, table, device) ? if_nametoindex(device) : 0;
	int left = header->nlmsg_len - NLMSG_LENGTH(sizeof(struct rtmsg));
	for (struct rtattr *attr = RTM_RTA(NLMSG_DATA(header)); RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (TYPE(attr) == RTA_NH_ID)
			put_attr(attr, RTA_OIF, &ifindex, sizeof ifindex);
}

static size_t send_route(const struct nlmsghdr *from, char *to)
{
	const struct rtmsg *route = NLMSG_DATA(from);
	uint32_t table = route->rtm_table;
	int has_labels = 0, left = from->nlmsg_len - NLMSG_LENGTH(sizeof *route);
	for (struct rtattr *attr = RTM_RTA((char *)route); RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		switch (TYPE(attr)) {
		case RTA_TABLE:
			table = u32(attr);
			break;
		case RTA_ENCAP_TYPE:
			has_labels |= *(uint16_t *)RTA_DATA(attr) == LWTUNNEL_ENCAP_MPLS;
			break;
		case RTA_NH_ID:
			has_labels |= is_labelled(u32(attr));
			break;
		}
	size_t length = copy_without(from, to, sizeof *route, has_labels ? RTA_ENCAP : -1, has_labels ? RTA_ENCAP_TYPE : -1);
	if (route->rtm_family == AF_MPLS || has_labels)
		forgiven[from->nlmsg_seq % SEQS] = from->nlmsg_seq;
	if (has_labels && table != RT_TABLE_MAIN)
		end_in_device((struct nlmsghdr *)to, table);
	return length;
}

static size_t send_message(const struct nlmsghdr *from, char *to)
{
	switch (from->nlmsg_type) {
	case RTM_NEWNEXTHOP:
		return send_nexthop(from, to);
	case RTM_NEWROUTE:
		return send_route(from, to);
	case RTM_DELROUTE:
		if (((struct rtmsg *)NLMSG_DATA(from))->rtm_family == AF_MPLS)
			forgiven[from->nlmsg_seq % SEQS] = from->nlmsg_seq;
	}
	memcpy(to, from, from->nlmsg_len);
	return from->nlmsg_len;
}

static int is_netlink(const struct msghdr *message)
{
	const struct sockaddr_nl *name = message->msg_name;
	return name && message->msg_namelen >= sizeof *name && name->nl_family == AF_NETLINK && message->msg_iovlen == 1;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (!is_netlink(message))
		return syscall(SYS_sendmsg, fd, message, flags);
	unsigned int left = message->msg_iov->iov_len;
	char *copy = malloc(left + NLMSG_ALIGNTO);
	if (!copy) {
		errno = ENOMEM;
		return -1;
	}
	size_t at = 0;
	struct nlmsghdr *header = message->msg_iov->iov_base;
	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
		size_t length = send_message(header, copy + at);
		memset(copy + at + length, 0, NLMSG_ALIGN(length) - length);
		at += NLMSG_ALIGN(length);
	}
	struct iovec part = {copy, at};
	struct msghdr changed = *message;
	changed.msg_iov = &part;
	ssize_t sent = syscall(SYS_sendmsg, fd, &changed, flags);
	free(copy);
	return sent < 0 ? sent : (ssize_t)message->msg_iov->iov_len;
}

/* ---- what zebra is told ---- */

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t length = syscall(SYS_recvmsg, fd, message, flags);
	if (length <= 0 || !is_netlink(message))
		return length;
	size_t room = message->msg_iov->iov_len;
	unsigned int left = (size_t)length < room ? (size_t)length : room;
	struct nlmsghdr *header = message->msg_iov->iov_base;
	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
		if (header->nlmsg_type == RTM_NEWLINK)
			view_link(header);
		if (header->nlmsg_type != NLMSG_ERROR)
			continue;
		struct nlmsgerr *answer = NLMSG_DATA(header);
		if (answer->error < 0 && forgiven[answer->msg.nlmsg_seq % SEQS] == answer->msg.nlmsg_seq)
			answer->error = 0;
	}
	return length;
}

static int see_mpls(struct stat *seen)
{
	memset(seen, 0, sizeof *seen);
	seen->st_mode = S_IFDIR | 0555;
	return 0;
}

int stat(const char *path, struct stat *seen)
{
	if (strcmp(path, MPLS_FOLDER) == 0)
		return see_mpls(seen);
	return syscall(SYS_newfstatat, AT_FDCWD, path, seen, 0);
}

int stat64(const char *path, struct stat64 *seen)
{
	return stat(path, (struct stat *)seen);
}
