# One image for the API, the workers, the migrations and the simulators: which one it is, the command says.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc prisma.config.ts ./
COPY prisma ./prisma
# Node comes with the image and Postgres from outside: the optional packages that bring them along stay out.
RUN npm ci --omit=dev --omit=optional && PRISMA_SCHEMA_ENGINE_BINARY=/bin/true npx prisma generate

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma ./prisma
COPY package.json ./
COPY api ./api
COPY worker ./worker
COPY schema ./schema
COPY domain ./domain
COPY connectors ./connectors
COPY runtime ./runtime
COPY scripts ./scripts
COPY simulators ./simulators
RUN mkdir /data && chown node:node /data
USER node
EXPOSE 4000 9464
CMD ["node", "api/main.ts"]
