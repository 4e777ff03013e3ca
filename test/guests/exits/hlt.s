# The HLT at the end is the only thing that can leave.
        .include "exits.inc.s"
        begin
        finish
