# Production image: the server without the simulated tenant, as an unprivileged user, in an image without a shell. Nothing
# is written at run time, so the root may be read-only. `entrada check`, `entrada admin` and `entrada keys` are in it.
# Other registries, other versions: the base images are arguments.
ARG BUILD_IMAGE=docker.io/library/rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

# hadolint ignore=DL3006
FROM ${BUILD_IMAGE} AS chef
ARG CARGO_CHEF_VERSION=0.1.77
RUN cargo install cargo-chef --locked --version "${CARGO_CHEF_VERSION}"
WORKDIR /src

FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=planner /src/recipe.json recipe.json
# The dependencies alone: a layer that lasts until Cargo.toml or Cargo.lock changes.
RUN cargo chef cook --release --locked --no-default-features --bin entrada --recipe-path recipe.json
COPY . .
RUN cargo build --release --locked --no-default-features --bin entrada

# hadolint ignore=DL3006
FROM ${RUNTIME_IMAGE}
COPY --from=build /src/target/release/entrada /usr/local/bin/entrada
USER 65532:65532
WORKDIR /
# Behind a proxy that ends TLS; settings come from the environment, see config/default.toml.
ENV ENTRADA_LISTEN=0.0.0.0:8080
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/entrada"]
CMD ["serve"]
