# metafleet as an image. The base image is named with its digest, so that a build can be repeated:
#   docker build --build-arg NODE_IMAGE=node:22-slim@sha256:… --tag metafleet .
ARG NODE_IMAGE

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY . .
RUN npm ci && npm run build && npm pack

FROM ${NODE_IMAGE}
COPY --from=build /build/metafleet-*.tgz /tmp/
# tfjs-node is optional, and downloads a library: tfjs computes on WebAssembly without it.
RUN npm install --global --omit=optional /tmp/metafleet-*.tgz && rm -rf /tmp/metafleet-*.tgz /root/.npm
USER 1000
WORKDIR /work
ENTRYPOINT ["metafleet"]
