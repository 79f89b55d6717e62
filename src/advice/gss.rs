//! GSSENCRequest, which libpq sends first where it finds a Kerberos ticket.

use super::{Situation, advice, fix, paste};
use crate::libpq::parameters::GssEncMode;
use crate::report::{Advice, AdviceKind, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let Some(answer) = situation.host.gssenc_request.as_deref() else {
        return Vec::new();
    };
    if situation.parameters.gssencmode() == GssEncMode::Disable || answer == "N" {
        return Vec::new();
    }
    let why = if answer == "G" {
        "the server answers G to GSSENCRequest: a libpq with a Kerberos ticket asks for GSS \
         encryption before TLS, and where that succeeds there is no TLS, whatever the sslmode"
            .to_owned()
    } else {
        format!(
            "GSSENCRequest, which a libpq with a Kerberos ticket sends first, gets neither G nor N \
             ({answer}): a proxy in front does not know it, and such clients reconnect or fail"
        )
    };
    vec![advice(
        AdviceKind::GssFirst,
        Vec::new(),
        why,
        vec![fix(
            FixPlace::ConnectionString,
            "if it is to be TLS",
            paste::connection(situation, &[("gssencmode", "disable")]),
        )],
    )]
}
