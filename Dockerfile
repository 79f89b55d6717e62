# pgprobe in a small image of its own, and PgBouncer for docker-compose.yml.
#
#     docker build -t pgprobe .
#     docker run --rm pgprobe db.example.com
#     docker run --rm -v "$PWD/corp-ca.crt:/ca.crt:ro" pgprobe db.example.com --sslrootcert /ca.crt
#
# Syntax-checked, not run: the tests have no Docker. They read this file with hadolint.

FROM rust:1.88-slim-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock README.md ./
COPY src src
COPY tests/it/main.rs tests/it/main.rs
RUN cargo build --release --locked --bin pgprobe

# A pooler for one of the services; PostgreSQL's own image has none.
FROM debian:bookworm-slim AS pgbouncer
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends openssl pgbouncer \
    && rm -rf /var/lib/apt/lists/*

# glibc, libgcc, the system's roots, nothing else; not as root.
FROM gcr.io/distroless/cc-debian12:nonroot
# Where this image has what is OpenSSL's store elsewhere.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/pgprobe /usr/local/bin/pgprobe
ENTRYPOINT ["/usr/local/bin/pgprobe"]
