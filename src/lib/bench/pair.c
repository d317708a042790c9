// SPDX-License-Identifier: GPL-2.0-or-later
#include "pair.h"
#include "frames.h"
#include "wire.h"

#include "launch/vhost-net.h"
#include "uplink/uplink.h"

#include <string.h>

/* Nobody else is there who could have them. */
static const struct mac own_tap = { { 2, 2, 2, 2, 2, 2 } }, own_peer = { { 2, 2, 2, 2, 2, 1 } };

static int own_network(struct pair *ret, struct problem **reterr)
{
	int r = netpair_new(WIRE_TYPE, &ret->ends);

	ret->tap = own_tap;
	ret->peer = own_peer;
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r),
			       r == -EPERM ? "run as root" : NULL,
			       "a tap in a network of its own cannot be made: %s", strerror(-r))
		     : 0;
}

/* What somebody has is not set up for him: it must be. */
static int find_peer(
	struct host *h, const char *name, struct host_link *ret, struct problem **reterr)
{
	int index, r = host_link_index(h, name, &index);

	if (r == 0)
		r = host_link_get(h, index, ret);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), "ip link shows what there is",
			"there is no network interface %s to answer from", name);
	if (!ret->up)
		return problem(reterr, -ENETDOWN, PROBLEM_FAILED, "ip link set NAME up",
			"%s is down, and cannot answer", name);
	return 0;
}

static int over_netdev(
	struct host *h, const struct bench_wish *w, struct pair *ret, struct problem **reterr)
{
	const struct uplink_wish wish = { .kind = UPLINK_MACVTAP, .name = w->netdev };
	struct host_link peer = { 0 };
	int r = find_peer(h, w->netdev_peer, &peer, reterr);

	if (r == 0)
		r = uplink_open(h, &wish, &ret->uplink, reterr);
	if (r < 0)
		return r;
	ret->ends.tap = ret->uplink->fds[0]; /* stays the uplink's */
	ret->tap = ret->uplink->mac;
	ret->peer = peer.mac;
	r = netpair_open_peer(WIRE_TYPE, w->netdev_peer);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r),
			r == -EPERM ? "run as root" : NULL, "%s cannot be listened on: %s",
			w->netdev_peer, strerror(-r));
	ret->ends.peer = r;
	r = wire_await(ret);
	return r < 0 ? problem(reterr, r, PROBLEM_TIMEOUT,
			       "do they have a link, and reach each other?",
			       "no frame of %s's comes to %s, or none back", w->netdev,
			       w->netdev_peer)
		     : 0;
}

/* As a guest has it that wishes for nothing else. */
static int with_vhost(struct host *h, struct pair *ret, struct problem **reterr)
{
	const struct launch_net wish = { .vhost = LAUNCH_VHOST_ON };
	struct launch_kernel_net k;
	unsigned used = 0;
	int r = launch_open_vhost(h, &wish, 1, &used, &k, reterr);

	if (r < 0)
		return r;
	ret->vhost = k.fds[0];
	return own_network(ret, reterr);
}

int pair_new(struct host *h, const struct bench_wish *w, const struct bench_path *p,
	struct pair *ret, struct problem **reterr)
{
	autopair pair = PAIR_NONE;
	int r = p->io == BENCH_MACVTAP	   ? over_netdev(h, w, &pair, reterr)
		: p->io == BENCH_VHOST_NET ? with_vhost(h, &pair, reterr)
					   : own_network(&pair, reterr);

	if (r < 0)
		return r;
	*ret = pair;
	pair = PAIR_NONE;
	return 0;
}

void pair_done(struct pair *p)
{
	if (p->uplink)
		p->ends.tap = -1;
	netpair_done(&p->ends);
	closep_(&p->vhost);
	uplink_free(p->uplink);
	*p = PAIR_NONE;
}
