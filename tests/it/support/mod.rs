//! What the integration tests share: servers to probe, certificates, and the two clients.

pub(crate) mod certificates;
pub(crate) mod exporter;
pub(crate) mod fleet;
pub(crate) mod installation;
pub(crate) mod pgprobe;
pub(crate) mod postgres;
pub(crate) mod psql;
pub(crate) mod repository;
pub(crate) mod resolver;
pub(crate) mod scan;
pub(crate) mod scripted;
pub(crate) mod table;
