# Production image: the server without the simulated tenant, as an unprivileged user.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --no-default-features --bin entrada

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home --home-dir /var/lib/entrada entrada
COPY --from=build /src/target/release/entrada /usr/local/bin/entrada
USER entrada
WORKDIR /var/lib/entrada
# Behind a proxy that ends TLS; settings come from the environment, see config/default.toml.
ENV ENTRADA_LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["entrada"]
CMD ["serve"]
