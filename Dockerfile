# relud in an image of its own binary, the libraries it loads and the bundled models; nothing else is inside.
FROM debian:trixie-slim AS build
COPY deploy/deps /src/deploy/deps
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev make >/dev/null \
 && /src/deploy/deps build && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN make -C /src CFLAGS=-O2 all \
 && strip /src/build/relud \
 && /src/build/relud check /src/deploy/models/digits /src/deploy/models/penguins \
 && mkdir -p /closure/usr/bin /closure/models \
 && cp /src/build/relud /closure/usr/bin/ \
 && cp -r /src/deploy/models/digits /src/deploy/models/penguins /closure/models/ \
 && rm -f /closure/models/*/train /closure/models/*/*.csv /closure/models/*/1/curve.svg \
 && ldd /src/build/relud | awk '/=> \//{print $3} /^\t\//{print $1}' | xargs -I{} cp --parents -L {} /closure

FROM scratch
COPY --from=build /closure /
USER 65532:65532
EXPOSE 8080
# Not a flag: a platform's own port (AIP_HTTP_PORT, SAGEMAKER_BIND_TO_PORT) goes before it, and `serve` alone listens here, too.
ENV RELUD_LISTEN=0.0.0.0:8080
HEALTHCHECK --interval=10s --timeout=4s --start-period=2s CMD ["/usr/bin/relud", "healthcheck"]
ENTRYPOINT ["/usr/bin/relud"]
CMD ["serve", "/models/digits"]
