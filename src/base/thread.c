/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "thread.h"

#include "attr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

/* Our own deepest call chains take a few KiB; libc's printf with its buffers some more. */
enum { STACK_BYTES = 256 << 10 };

struct start {
	char name[16];
	void *(*fn)(void *arg);
	void *arg;
};

/* A thread names itself: pthread_setname_np() of another one writes to a file. */
static void *run(void *arg)
{
	struct start s = *(struct start *)arg;

	free(arg);
	prctl(PR_SET_NAME, s.name);
	return s.fn(s.arg);
}

int thread_start(pthread_t *ret, const char *name, void *(*fn)(void *arg), void *arg)
{
	struct start *s = calloc(1, sizeof(*s));
	pthread_attr_t attr;
	int r;

	if (!s)
		return -ENOMEM;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->fn = fn;
	s->arg = arg;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	r = pthread_create(ret, &attr, run, s);
	pthread_attr_destroy(&attr);
	if (r)
		free(s);
	return -r;
}
