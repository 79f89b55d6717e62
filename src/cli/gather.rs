//! Gathers the client's side of the evidence: environment, passwd entry, the files libpq reads.
