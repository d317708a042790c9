// SPDX-License-Identifier: GPL-2.0-or-later
#include "winsize.h"

#include <errno.h>
#include <sys/ioctl.h>

int winsize_get(int fd, uint16_t *ret_columns, uint16_t *ret_rows)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		return -errno;
	*ret_columns = size.ws_col;
	*ret_rows = size.ws_row;
	return 0;
}
