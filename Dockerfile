# One image for all roles; the command chooses: gateway, coordinator, ioc-host. There is no build
# step: Node runs the TypeScript as it is. NATS and Postgres come from outside (docker-compose.yml).
FROM node:24-slim AS drey
WORKDIR /drey
ENV NODE_ENV=production
# Without the embedded Postgres, which only role `up` needs.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force
COPY src ./src
# The data folder of a role; nothing in it needs to be kept.
RUN mkdir .drey && chown node:node .drey
USER node
ENV DREY_LOG_FORMAT=json NODE_COMPILE_CACHE=/drey/.drey/compile-cache
EXPOSE 8080
STOPSIGNAL SIGTERM
# As setup/drey.mjs runs it.
ENTRYPOINT ["node", "--max-semi-space-size=16", "src/main.ts"]
CMD ["gateway"]

# The demo facility: the same image with soft IOCs.
FROM drey AS demo
USER root
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip python3-venv && rm -rf /var/lib/apt/lists/*
COPY demo ./demo
USER node
RUN node -e "import('/drey/src/embedded/index.ts').then((it) => it.findSoftIoc({ folder: '/drey/.drey', environment: process.env, say: console.log }))"
ENTRYPOINT ["node", "demo/main.ts"]
CMD ["--bind", "0.0.0.0", "--ports", "5064,5066,5068,5070"]
EXPOSE 5064 5066 5068 5070 5064/udp 5066/udp 5068/udp 5070/udp
