# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# The dependencies alone, so that a change of our own code builds on this layer.
COPY Cargo.toml Cargo.lock build.rs ./
COPY migration/Cargo.toml migration/Cargo.toml
COPY benches benches
RUN mkdir -p src migration/src \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs migration/src/lib.rs \
 && cargo build --release --locked \
 && rm -r src migration/src

COPY migration migration
COPY samples samples
COPY models models
COPY src src
# Newer than the stand-ins, or cargo would keep what it has built of them.
RUN find src migration/src -name '*.rs' -exec touch {} + \
 && cargo build --release --locked

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home --home-dir /var/lib/prospectus prospectus
COPY --from=build /build/target/release/prospectus /usr/local/bin/prospectus
USER 10001
WORKDIR /var/lib/prospectus
ENV LISTEN=0.0.0.0:8000 \
    LOG_FORMAT=json
EXPOSE 8000
VOLUME /var/lib/prospectus
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["curl", "--fail", "--silent", "--show-error", "http://127.0.0.1:8000/readyz"]
ENTRYPOINT ["prospectus"]
CMD ["serve"]
