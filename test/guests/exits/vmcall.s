# VMCALL and VMMCALL without a hypervisor that offers them: #UD.
        .include "exits.inc.s"
        begin
        mov     eax, 5
        attempt vmcall
        attempt vmmcall
        finish
