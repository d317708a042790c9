/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiler attributes, cleanup and ownership: the house's dialect in one place. */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED		  __attribute__((unused))
#define NODISCARD	  __attribute__((warn_unused_result))
#define PACKED		  __attribute__((packed))
#define CLEANUP(fn)	  __attribute__((cleanup(fn)))

/* Ends a struct that a thread of its own writes all the time: what lies behind it in memory, which
 * is another's, is on another cache line. */
#define KEEP_APART char keep_apart[64]

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) a_ = (a);                                                            \
		__typeof__(b) b_ = (b);                                                            \
		a_ < b_ ? a_ : b_;                                                                 \
	})
#define MAX(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) a_ = (a);                                                            \
		__typeof__(b) b_ = (b);                                                            \
		a_ > b_ ? a_ : b_;                                                                 \
	})
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Hand an owned pointer over: the variable forgets it, so that its cleanup frees nothing. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *p_ = &(p);                                                          \
		__typeof__(p) v_ = *p_;                                                            \
		*p_ = NULL;                                                                        \
		v_;                                                                                \
	})
#define TAKE_STRUCT(s)                                                                             \
	({                                                                                         \
		__typeof__(s) *s_ = &(s);                                                          \
		__typeof__(s) v_ = *s_;                                                            \
		*s_ = (__typeof__(s)) { 0 };                                                       \
		v_;                                                                                \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *fd_ = &(fd);                                                                  \
		int v_ = *fd_;                                                                     \
		*fd_ = -1;                                                                         \
		v_;                                                                                \
	})

static inline void freep_(void *p)
{
	free(*(void **)p);
}

/* Closes and keeps errno, so that an early return still tells the first failure. */
static inline void closep_(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

#define autofree  CLEANUP(freep_)
#define autoclose CLEANUP(closep_)

/* DEFINE_AUTO(struct foo, foo_free) makes foo_freep() for CLEANUP; it accepts a NULL pointer. */
#define DEFINE_AUTO(type, fn)                                                                      \
	static inline UNUSED void fn##p(type **p)                                                  \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}                                                                                          \
	_Static_assert(1, "takes a semicolon")
