/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few functions of a C library that a guest cannot do without. */
#include "guest.h"

void *memcpy(void *to, const void *from, size_t n)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n)::"memory");
	return to;
}

void *memset(void *to, int c, size_t n)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(c) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (unsigned char)*a - (unsigned char)*b;
}

struct sink {
	char *buf;
	size_t size;
	int length;
};

static void put(struct sink *s, char c)
{
	if ((size_t)s->length + 1 < s->size)
		s->buf[s->length] = c;
	s->length++;
}

static void put_number(struct sink *s, uint64_t v, unsigned base, int width, char pad)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (; width > n; width--)
		put(s, pad);
	while (n)
		put(s, digits[--n]);
}

static void put_signed(struct sink *s, int64_t v, int width, char pad)
{
	if (v < 0)
		put(s, '-');
	put_number(s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad);
}

static void put_text(struct sink *s, const char *text)
{
	for (; *text; text++)
		put(s, *text);
}

/* One conversion after its '%'; returns where the format goes on. */
static const char *convert(struct sink *s, const char *f, va_list *ap)
{
	char pad = ' ';
	int width = 0, longs = 0;

	if (*f == '0')
		pad = *f++;
	for (; *f >= '0' && *f <= '9'; f++)
		width = width * 10 + (*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		longs++;
	switch (*f) {
	case 's':
		put_text(s, va_arg(*ap, const char *));
		break;
	case 'c':
		put(s, (char)va_arg(*ap, int));
		break;
	case 'd':
		put_signed(s, longs ? va_arg(*ap, long) : va_arg(*ap, int), width, pad);
		break;
	case 'u':
	case 'x':
		put_number(s, longs ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned),
			*f == 'u' ? 10 : 16, width, pad);
		break;
	default:
		put(s, *f);
	}
	return f + 1;
}

int format(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink s = { buf, size, 0 };
	va_list copy;

	va_copy(copy, ap);
	while (*fmt) {
		if (*fmt != '%')
			put(&s, *fmt++);
		else
			fmt = convert(&s, fmt + 1, &copy);
	}
	va_end(copy);
	if (size)
		buf[(size_t)s.length < size ? (size_t)s.length : size - 1] = '\0';
	return s.length;
}
