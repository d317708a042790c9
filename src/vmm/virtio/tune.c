// SPDX-License-Identifier: GPL-2.0-or-later
/* Who serves a function's queues, by name: "threads", "poll" and "pin", at the start and later. */
#include "transport.h"

#include "base/str.h"

#include <string.h>

static const char *const threads_names[] = {
	[VIRTIO_THREADS_IO] = "io",
	[VIRTIO_THREADS_QUEUE] = "queue",
	[VIRTIO_THREADS_MAIN] = "main",
	[VIRTIO_THREADS_CPU] = "cpu",
	[VIRTIO_THREADS_DEDICATED] = "dedicated",
};

static const char *const poll_names[] = {
	[VIRTIO_POLL_NOTIFY] = "notify",
	[VIRTIO_POLL_ADAPTIVE] = "adaptive",
	[VIRTIO_POLL_DEDICATED] = "dedicated",
};

static int find(const char *const *names, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], text))
			return (int)i;
	return -EINVAL;
}

const char *vpci_threads(const struct virtio_pci *v)
{
	return threads_names[virtio_device_served(v->dev)->threads];
}

/* What all queues have in common, or "mixed". */
const char *vpci_poll(const struct virtio_pci *v)
{
	enum virtio_poll first = virtio_device_polls(v->dev, 0);

	for (unsigned i = 1; i < v->dev->n_queues; i++)
		if (virtio_device_polls(v->dev, i) != first)
			return "mixed";
	return poll_names[first];
}

/*
 * On the way there doorbells may come to a CPU although there is an ioeventfd, or a thread; both do
 * the same work, under the queue's lock.
 */
static int serve(struct virtio_pci *v, enum virtio_threads threads)
{
	const struct virtio_serve how = { .threads = threads, .main = v->services.loop };
	bool traps = threads == VIRTIO_THREADS_CPU;
	int r = virtio_device_serve(v->dev, &how);

	if (r == 0)
		r = vpci_set_trapped(v, traps);
	return r;
}

static int set_threads(struct virtio_pci *v, int queue, const char *value, struct problem **reterr)
{
	int threads = find(threads_names, ARRAY_SIZE(threads_names), value), r;

	if (threads < 0 || queue >= 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"threads is main, io, queue, cpu or dedicated, for all queues of a device");
	if (threads == VIRTIO_THREADS_CPU && !v->may_trap)
		return problem(reterr, -EPERM, PROBLEM_UNSUPPORTED,
			"start the guest with threads=cpu for one of its devices",
			"CPUs of this guest may not do devices' work: the sandbox forbids them what "
			"that takes");
	if (threads == VIRTIO_THREADS_MAIN && !v->services.loop)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "there is no main loop");
	r = serve(v, (enum virtio_threads)threads);
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL,
			       "the threads of %s cannot be changed: %s", v->dev->name,
			       strerror(-r))
		     : 0;
}

static int set_poll(struct virtio_pci *v, int queue, const char *value, struct problem **reterr)
{
	int poll = find(poll_names, ARRAY_SIZE(poll_names), value);

	if (poll < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"poll is notify, adaptive or dedicated");
	if (virtio_device_set_poll(v->dev, queue, (enum virtio_poll)poll) < 0)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_USAGE,
			"set threads=io or threads=queue first",
			"%s has threads=%s: the main loop and CPUs do not poll, and a dedicated "
			"thread does nothing else",
			v->dev->name, vpci_threads(v));
	return 0;
}

static int set_pin(struct virtio_pci *v, int queue, const char *value, struct problem **reterr)
{
	uint32_t cpu = 0;
	bool none = str_eq(value, "none");
	int r = none ? 0 : parse_u32(value, &cpu);

	if (r < 0 || cpu > 1 << 20)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"pin is the number of a CPU of the host, or none");
	if (virtio_device_set_pin(v->dev, queue, none ? VIRTIO_NO_PIN : (int)cpu) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "see taskset -p, and cpuset.cpus",
			"%s may not run on CPU %s of the host", v->dev->name, value);
	return 0;
}

int vpci_set(struct pci_device *pci, int queue, const char *key, const char *value,
	struct problem **reterr)
{
	static const struct {
		const char *key;
		int (*set)(struct virtio_pci *v, int queue, const char *value,
			struct problem **reterr);
	} keys[] = { { "threads", set_threads }, { "poll", set_poll }, { "pin", set_pin } };
	struct virtio_pci *v = container_of(pci, struct virtio_pci, pci);

	if (queue >= (int)v->dev->n_queues)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "%s has %u queue%s",
			v->dev->name, v->dev->n_queues, v->dev->n_queues == 1 ? "" : "s");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!str_eq(keys[i].key, key))
			continue;
		if (v->dev->ops->started)
			return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
				"%s is served elsewhere (vhost): how, is not for this process to say",
				v->dev->name);
		return keys[i].set(v, queue, value, reterr);
	}
	if (v->dev->ops->set)
		return v->dev->ops->set(v->dev, queue, key, value, reterr);
	return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s has no setting \"%s\"",
		v->dev->name, key);
}
