// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

enum { REG_COMMAND = 0x04 };

uint32_t reg_read(struct proof_run *r, unsigned bar, uint64_t at)
{
	uint8_t b[4];

	if (vfio_region_read(r->device, &r->bars[bar], at, b, sizeof(b)) < 0)
		return UINT32_MAX;
	dma_barrier();
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/* A write that fails is found by what does not happen then. */
void reg_write(struct proof_run *r, unsigned bar, uint64_t at, uint32_t value)
{
	uint8_t b[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
		(uint8_t)(value >> 24) };

	dma_barrier();
	vfio_region_write(r->device, &r->bars[bar], at, b, sizeof(b));
}

static int write_command(struct proof_run *r, uint16_t value)
{
	uint8_t b[2] = { (uint8_t)value, (uint8_t)(value >> 8) };

	return vfio_config_write(r->device, REG_COMMAND, b, sizeof(b));
}

int config_command_set(struct proof_run *r, uint16_t bits)
{
	uint8_t b[2];
	int e = vfio_config_read(r->device, REG_COMMAND, b, sizeof(b));

	return e < 0 ? e : write_command(r, (uint16_t)(b[0] | b[1] << 8 | bits));
}

int config_command_restore(struct proof_run *r)
{
	uint16_t command;

	if (!config_u16(&r->config, REG_COMMAND, &command))
		return 0;
	return write_command(r, command);
}
