//! Who terminates the TLS: PostgreSQL itself, or something in front of it.

use crate::observation::enumeration::Enumeration;
use crate::observation::{Connection, StartupReply, Step};
use crate::report::enumeration::{FrontEnd, FrontEndReport};

pub(super) fn report(seen: &Enumeration, connections: &[Connection]) -> FrontEndReport {
    let _ = (seen, connections, Step::<StartupReply>::NotAttempted);
    FrontEndReport {
        conclusion: FrontEnd::NotObserved,
        product: None,
        evidence: Vec::new(),
    }
}
