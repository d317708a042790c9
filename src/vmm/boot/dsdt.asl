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
        HOTS, 32, /* a bit per slot of PCI0 where devices come and go; 0 = no slot, no button */
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

            /* No _STA: whether there is something the guest sees by its configuration space. */
            If (HOTS & 0x00000002) { Device (S01) { Name (_ADR, 0x00010000) Name (_SUN, 1) Method (_EJ0, 1) { \_SB.EJCT = 0x00000002 } } }
            If (HOTS & 0x00000004) { Device (S02) { Name (_ADR, 0x00020000) Name (_SUN, 2) Method (_EJ0, 1) { \_SB.EJCT = 0x00000004 } } }
            If (HOTS & 0x00000008) { Device (S03) { Name (_ADR, 0x00030000) Name (_SUN, 3) Method (_EJ0, 1) { \_SB.EJCT = 0x00000008 } } }
            If (HOTS & 0x00000010) { Device (S04) { Name (_ADR, 0x00040000) Name (_SUN, 4) Method (_EJ0, 1) { \_SB.EJCT = 0x00000010 } } }
            If (HOTS & 0x00000020) { Device (S05) { Name (_ADR, 0x00050000) Name (_SUN, 5) Method (_EJ0, 1) { \_SB.EJCT = 0x00000020 } } }
            If (HOTS & 0x00000040) { Device (S06) { Name (_ADR, 0x00060000) Name (_SUN, 6) Method (_EJ0, 1) { \_SB.EJCT = 0x00000040 } } }
            If (HOTS & 0x00000080) { Device (S07) { Name (_ADR, 0x00070000) Name (_SUN, 7) Method (_EJ0, 1) { \_SB.EJCT = 0x00000080 } } }
            If (HOTS & 0x00000100) { Device (S08) { Name (_ADR, 0x00080000) Name (_SUN, 8) Method (_EJ0, 1) { \_SB.EJCT = 0x00000100 } } }
            If (HOTS & 0x00000200) { Device (S09) { Name (_ADR, 0x00090000) Name (_SUN, 9) Method (_EJ0, 1) { \_SB.EJCT = 0x00000200 } } }
            If (HOTS & 0x00000400) { Device (S0A) { Name (_ADR, 0x000A0000) Name (_SUN, 10) Method (_EJ0, 1) { \_SB.EJCT = 0x00000400 } } }
            If (HOTS & 0x00000800) { Device (S0B) { Name (_ADR, 0x000B0000) Name (_SUN, 11) Method (_EJ0, 1) { \_SB.EJCT = 0x00000800 } } }
            If (HOTS & 0x00001000) { Device (S0C) { Name (_ADR, 0x000C0000) Name (_SUN, 12) Method (_EJ0, 1) { \_SB.EJCT = 0x00001000 } } }
            If (HOTS & 0x00002000) { Device (S0D) { Name (_ADR, 0x000D0000) Name (_SUN, 13) Method (_EJ0, 1) { \_SB.EJCT = 0x00002000 } } }
            If (HOTS & 0x00004000) { Device (S0E) { Name (_ADR, 0x000E0000) Name (_SUN, 14) Method (_EJ0, 1) { \_SB.EJCT = 0x00004000 } } }
            If (HOTS & 0x00008000) { Device (S0F) { Name (_ADR, 0x000F0000) Name (_SUN, 15) Method (_EJ0, 1) { \_SB.EJCT = 0x00008000 } } }
            If (HOTS & 0x00010000) { Device (S10) { Name (_ADR, 0x00100000) Name (_SUN, 16) Method (_EJ0, 1) { \_SB.EJCT = 0x00010000 } } }
            If (HOTS & 0x00020000) { Device (S11) { Name (_ADR, 0x00110000) Name (_SUN, 17) Method (_EJ0, 1) { \_SB.EJCT = 0x00020000 } } }
            If (HOTS & 0x00040000) { Device (S12) { Name (_ADR, 0x00120000) Name (_SUN, 18) Method (_EJ0, 1) { \_SB.EJCT = 0x00040000 } } }
            If (HOTS & 0x00080000) { Device (S13) { Name (_ADR, 0x00130000) Name (_SUN, 19) Method (_EJ0, 1) { \_SB.EJCT = 0x00080000 } } }
            If (HOTS & 0x00100000) { Device (S14) { Name (_ADR, 0x00140000) Name (_SUN, 20) Method (_EJ0, 1) { \_SB.EJCT = 0x00100000 } } }
            If (HOTS & 0x00200000) { Device (S15) { Name (_ADR, 0x00150000) Name (_SUN, 21) Method (_EJ0, 1) { \_SB.EJCT = 0x00200000 } } }
            If (HOTS & 0x00400000) { Device (S16) { Name (_ADR, 0x00160000) Name (_SUN, 22) Method (_EJ0, 1) { \_SB.EJCT = 0x00400000 } } }
            If (HOTS & 0x00800000) { Device (S17) { Name (_ADR, 0x00170000) Name (_SUN, 23) Method (_EJ0, 1) { \_SB.EJCT = 0x00800000 } } }
            If (HOTS & 0x01000000) { Device (S18) { Name (_ADR, 0x00180000) Name (_SUN, 24) Method (_EJ0, 1) { \_SB.EJCT = 0x01000000 } } }
            If (HOTS & 0x02000000) { Device (S19) { Name (_ADR, 0x00190000) Name (_SUN, 25) Method (_EJ0, 1) { \_SB.EJCT = 0x02000000 } } }
            If (HOTS & 0x04000000) { Device (S1A) { Name (_ADR, 0x001A0000) Name (_SUN, 26) Method (_EJ0, 1) { \_SB.EJCT = 0x04000000 } } }
            If (HOTS & 0x08000000) { Device (S1B) { Name (_ADR, 0x001B0000) Name (_SUN, 27) Method (_EJ0, 1) { \_SB.EJCT = 0x08000000 } } }
            If (HOTS & 0x10000000) { Device (S1C) { Name (_ADR, 0x001C0000) Name (_SUN, 28) Method (_EJ0, 1) { \_SB.EJCT = 0x10000000 } } }
            If (HOTS & 0x20000000) { Device (S1D) { Name (_ADR, 0x001D0000) Name (_SUN, 29) Method (_EJ0, 1) { \_SB.EJCT = 0x20000000 } } }
            If (HOTS & 0x40000000) { Device (S1E) { Name (_ADR, 0x001E0000) Name (_SUN, 30) Method (_EJ0, 1) { \_SB.EJCT = 0x40000000 } } }
            If (HOTS & 0x80000000) { Device (S1F) { Name (_ADR, 0x001F0000) Name (_SUN, 31) Method (_EJ0, 1) { \_SB.EJCT = 0x80000000 } } }

            /* Tells the guest `Arg1` (1 look, 3 please eject) of each slot in `Arg0`. */
            Method (TELL, 2)
            {
                If (Arg0 & 0x00000002) { Notify (S01, Arg1) }
                If (Arg0 & 0x00000004) { Notify (S02, Arg1) }
                If (Arg0 & 0x00000008) { Notify (S03, Arg1) }
                If (Arg0 & 0x00000010) { Notify (S04, Arg1) }
                If (Arg0 & 0x00000020) { Notify (S05, Arg1) }
                If (Arg0 & 0x00000040) { Notify (S06, Arg1) }
                If (Arg0 & 0x00000080) { Notify (S07, Arg1) }
                If (Arg0 & 0x00000100) { Notify (S08, Arg1) }
                If (Arg0 & 0x00000200) { Notify (S09, Arg1) }
                If (Arg0 & 0x00000400) { Notify (S0A, Arg1) }
                If (Arg0 & 0x00000800) { Notify (S0B, Arg1) }
                If (Arg0 & 0x00001000) { Notify (S0C, Arg1) }
                If (Arg0 & 0x00002000) { Notify (S0D, Arg1) }
                If (Arg0 & 0x00004000) { Notify (S0E, Arg1) }
                If (Arg0 & 0x00008000) { Notify (S0F, Arg1) }
                If (Arg0 & 0x00010000) { Notify (S10, Arg1) }
                If (Arg0 & 0x00020000) { Notify (S11, Arg1) }
                If (Arg0 & 0x00040000) { Notify (S12, Arg1) }
                If (Arg0 & 0x00080000) { Notify (S13, Arg1) }
                If (Arg0 & 0x00100000) { Notify (S14, Arg1) }
                If (Arg0 & 0x00200000) { Notify (S15, Arg1) }
                If (Arg0 & 0x00400000) { Notify (S16, Arg1) }
                If (Arg0 & 0x00800000) { Notify (S17, Arg1) }
                If (Arg0 & 0x01000000) { Notify (S18, Arg1) }
                If (Arg0 & 0x02000000) { Notify (S19, Arg1) }
                If (Arg0 & 0x04000000) { Notify (S1A, Arg1) }
                If (Arg0 & 0x08000000) { Notify (S1B, Arg1) }
                If (Arg0 & 0x10000000) { Notify (S1C, Arg1) }
                If (Arg0 & 0x20000000) { Notify (S1D, Arg1) }
                If (Arg0 & 0x40000000) { Notify (S1E, Arg1) }
                If (Arg0 & 0x80000000) { Notify (S1F, Arg1) }
            }
        }

        /* The registers of vmm/dev/plug.h. */
        OperationRegion (PLUG, SystemIO, 0x0610, 12)
        Field (PLUG, DWordAcc, NoLock, WriteAsZeros)
        {
            COME, 32, /* reading empties them */
            LEAV, 32,
            EJCT, 32,
        }

        If (HOTS != 0)
        {
            Device (PWRB)
            {
                Name (_HID, EisaId ("PNP0C0C"))
                Name (_UID, 0)
            }

            /* The Generic Event Device: in a hardware-reduced machine there are no GPEs. */
            Device (GED)
            {
                Name (_HID, "ACPI0013")
                Name (_UID, 0)
                Name (_CRS, ResourceTemplate ()
                {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { 9 }
                })
                Method (_EVT, 1, Serialized)
                {
                    Local0 = COME
                    If (Local0 & 1)
                    {
                        Notify (PWRB, 0x80)
                    }
                    \_SB.PCI0.TELL (Local0, 1)
                    Local0 = LEAV
                    \_SB.PCI0.TELL (Local0, 3)
                }
            }
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
                IO (Decode16, 0x0610, 0x0610, 1, 12)
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
