# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
# The compiler stays in this stage, and Debian keeps no old versions to pin it to.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# The dependencies alone, so that a change of our own code builds on this layer.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock build.rs ./
COPY engines/Cargo.toml engines/Cargo.toml
COPY migration/Cargo.toml migration/Cargo.toml
COPY benches benches
RUN mkdir -p src engines/src migration/src \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs engines/src/lib.rs migration/src/lib.rs \
 && cargo build --release --locked \
 && rm -r src engines/src migration/src

COPY engines engines
COPY migration migration
COPY samples samples
COPY models models
COPY src src
# Newer than the stand-ins, or cargo would keep what it has built of them.
RUN find src engines/src migration/src -name '*.rs' -exec touch {} + \
 && cargo build --release --locked \
 && mkdir -p /image/var/lib/prospectus /image/usr/local/bin \
 && cp target/release/prospectus /image/usr/local/bin/prospectus

# The C library, certificates and time zones, and nothing else: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build --chown=10001:10001 /image/var/lib/prospectus /var/lib/prospectus
COPY --from=build /image/usr/local/bin/prospectus /usr/local/bin/prospectus
USER 10001:10001
WORKDIR /var/lib/prospectus
ENV LISTEN=0.0.0.0:8000 \
    LOG_FORMAT=json
EXPOSE 8000
# All that is ever written: SQLite's file, and what is uploaded in /tmp. The root may be read-only.
VOLUME /var/lib/prospectus
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["/usr/local/bin/prospectus", "health"]
ENTRYPOINT ["/usr/local/bin/prospectus"]
CMD ["serve"]
