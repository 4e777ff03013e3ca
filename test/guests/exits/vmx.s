# The instructions of VMX, which no processor model offers: #UD. INVEPT and INVVPID are among them.
        .include "exits.inc.s"
        begin
        attempt vmclear [0x6000]
        attempt vmlaunch
        attempt vmptrld [0x6000]
        attempt vmptrst [0x6000]
        attempt vmread [0x6000], eax
        attempt vmresume
        attempt vmwrite eax, [0x6000]
        attempt vmxoff
        attempt vmxon [0x6000]
        attempt invept eax, [0x6000]
        attempt invvpid eax, [0x6000]
        finish
