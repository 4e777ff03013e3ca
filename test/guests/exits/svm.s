# The instructions of SVM, which no processor model offers: #UD.
        .include "exits.inc.s"
        begin
        attempt .byte 0x0f, 0x01, 0xd8          # VMRUN
        attempt .byte 0x0f, 0x01, 0xda          # VMLOAD
        attempt .byte 0x0f, 0x01, 0xdb          # VMSAVE
        attempt .byte 0x0f, 0x01, 0xdc          # STGI
        attempt .byte 0x0f, 0x01, 0xdd          # CLGI
        attempt .byte 0x0f, 0x01, 0xde          # SKINIT
        attempt .byte 0x0f, 0x01, 0xdf          # INVLPGA
        attempt vmread [0x6000], eax            # undefined on AMD's processors
        finish
