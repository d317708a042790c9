/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on descriptors of the real kernel, and its clock: the same for every host but fakes.
 */
#pragma once

#include "host.h"

void fd_close(struct host *h, int fd);
int fd_ioctl(struct host *h, int fd, unsigned long request, void *arg);
ssize_t fd_pread(struct host *h, int fd, void *buf, size_t len, uint64_t offset);
ssize_t fd_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t offset);
ssize_t fd_stream_read(struct host *h, int fd, void *buf, size_t len, unsigned ms);
ssize_t fd_stream_write(struct host *h, int fd, const void *buf, size_t len, unsigned ms);
int fd_mmap(struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags, void **ret);
int fd_munmap(struct host *h, void *addr, size_t len);

uint64_t clock_now_ms(struct host *h);
void clock_sleep_ms(struct host *h, unsigned ms);
