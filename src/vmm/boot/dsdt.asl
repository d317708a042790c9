/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as the guest's ACPI sees it. What depends on the machine at hand (the windows for
 * PCI memory) is read from a table that the VMM puts at 0xE8000: see struct acpi_config.
 */
DefinitionBlock ("", "DSDT", 2, "VFCTL ", "VFCTLVMM", 1)
{
    OperationRegion (CONF, SystemMemory, 0xE8000, 0x40)
    Field (CONF, DWordAcc, NoLock, Preserve)
    {
        M32S, 32, /* 32-bit window: start, last, length */
        M32E, 32,
        M32L, 32,
        ECAM, 32,
        M64S, 64, /* 64-bit window; length 0 = none */
        M64E, 64,
        M64L, 64,
    }

    Name (\_S5, Package () { 5, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_CID, EisaId ("PNP0A03"))
            Name (_SEG, 0)
            Name (_BBN, 0)
            Name (_UID, 0)
            Name (_CCA, 1)

            Name (CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0, 0, 1)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x1000, 0xFFFF, 0, 0xF000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0, 0xFFFFFFFE, 0, 0xFFFFFFFF, , , W32)
            })
            Name (CR64, ResourceTemplate ()
            {
                QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0, 0xFFFFFFFFFFFFFFFE, 0, 0xFFFFFFFFFFFFFFFF, , , W64)
            })

            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (CRS, \_SB.PCI0.W32._MIN, MN32)
                CreateDWordField (CRS, \_SB.PCI0.W32._MAX, MX32)
                CreateDWordField (CRS, \_SB.PCI0.W32._LEN, LN32)
                MN32 = M32S
                MX32 = M32E
                LN32 = M32L
                If (M64L == 0)
                {
                    Return (CRS)
                }
                CreateQWordField (CR64, \_SB.PCI0.W64._MIN, MN64)
                CreateQWordField (CR64, \_SB.PCI0.W64._MAX, MX64)
                CreateQWordField (CR64, \_SB.PCI0.W64._LEN, LN64)
                MN64 = M64S
                MX64 = M64E
                LN64 = M64L
                Return (ConcatenateResTemplate (CRS, CR64))
            }

            /* Native control of everything that we do not emulate is the guest's. */
            Method (_OSC, 4)
            {
                If (Arg0 == ToUUID ("33DB4D5B-1FF7-401C-9657-7441C03DD766"))
                {
                    CreateDWordField (Arg3, 8, CTRL)
                    CTRL &= 0x1C /* PME, AER, PCIe capability; no hot plug */
                    Return (Arg3)
                }
                CreateDWordField (Arg3, 0, STAT)
                STAT |= 4 /* unknown UUID */
                Return (Arg3)
            }

            /* INTA of slot n is the IOAPIC's pin 16 + n % 8. */
            Name (_PRT, Package ()
            {
                Package () { 0x0000FFFF, 0, 0, 16 }, Package () { 0x0001FFFF, 0, 0, 17 },
                Package () { 0x0002FFFF, 0, 0, 18 }, Package () { 0x0003FFFF, 0, 0, 19 },
                Package () { 0x0004FFFF, 0, 0, 20 }, Package () { 0x0005FFFF, 0, 0, 21 },
                Package () { 0x0006FFFF, 0, 0, 22 }, Package () { 0x0007FFFF, 0, 0, 23 },
                Package () { 0x0008FFFF, 0, 0, 16 }, Package () { 0x0009FFFF, 0, 0, 17 },
                Package () { 0x000AFFFF, 0, 0, 18 }, Package () { 0x000BFFFF, 0, 0, 19 },
                Package () { 0x000CFFFF, 0, 0, 20 }, Package () { 0x000DFFFF, 0, 0, 21 },
                Package () { 0x000EFFFF, 0, 0, 22 }, Package () { 0x000FFFFF, 0, 0, 23 },
                Package () { 0x0010FFFF, 0, 0, 16 }, Package () { 0x0011FFFF, 0, 0, 17 },
                Package () { 0x0012FFFF, 0, 0, 18 }, Package () { 0x0013FFFF, 0, 0, 19 },
                Package () { 0x0014FFFF, 0, 0, 20 }, Package () { 0x0015FFFF, 0, 0, 21 },
                Package () { 0x0016FFFF, 0, 0, 22 }, Package () { 0x0017FFFF, 0, 0, 23 },
                Package () { 0x0018FFFF, 0, 0, 16 }, Package () { 0x0019FFFF, 0, 0, 17 },
                Package () { 0x001AFFFF, 0, 0, 18 }, Package () { 0x001BFFFF, 0, 0, 19 },
                Package () { 0x001CFFFF, 0, 0, 20 }, Package () { 0x001DFFFF, 0, 0, 21 },
                Package () { 0x001EFFFF, 0, 0, 22 }, Package () { 0x001FFFFF, 0, 0, 23 }
            })
        }

        /* The ECAM must be reserved by a motherboard resource (PCI Firmware Specification, 4.1.2). */
        Device (MRES)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_UID, 0)
            Name (CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadWrite, 0, 0x00100000, ECFG)
                IO (Decode16, 0x0600, 0x0600, 1, 3)
            })
            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (CRS, \_SB.MRES.ECFG._BAS, BASE)
                BASE = ECAM
                Return (CRS)
            }
        }

        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x03F8, 0x03F8, 1, 8)
                IRQ (Edge, ActiveHigh, Exclusive) { 4 }
            })
        }

        Device (RTC0)
        {
            Name (_HID, EisaId ("PNP0B00"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x0070, 0x0070, 1, 2)
            })
        }
    }
}
