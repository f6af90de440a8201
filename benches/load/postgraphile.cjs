// PostGraphile with its own production settings over the bench's database; see postgraphile.py.
const cluster = require("node:cluster");
const { createServer } = require("node:http");
const { postgraphile } = require("postgraphile");
const { makePgService } = require("postgraphile/adaptors/pg");
const { grafserv } = require("postgraphile/grafserv/node");
const { PostGraphileAmberPreset } = require("postgraphile/presets/amber");
const { addPgTableCondition } = require("postgraphile/utils");

const { DATABASE_URL, PORT, PROCESSES } = process.env;

// Days from one on, as `prices(from:)` has them: without it, a range would have to be an offset, which costs more.
const from = addPgTableCondition({ schemaName: "public", tableName: "price_bars" }, "from", ({ graphql, sql }) => ({
  type: graphql.GraphQLInt,
  apply: (condition, day) => condition.where(sql`${condition.alias}.day >= ${sql.value(day)}::int4`),
}));

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [from],
  grafserv: { graphiql: false, watch: false },
  grafast: { explain: false },
  pgServices: [makePgService({ connectionString: DATABASE_URL, schemas: ["public"], poolConfig: { max: 10 } })],
};

if (cluster.isPrimary && Number(PROCESSES) > 1) {
  for (let i = 0; i < Number(PROCESSES); i++) cluster.fork();
} else {
  const server = createServer();
  postgraphile(preset).createServ(grafserv).addTo(server).then(() => server.listen(Number(PORT), "127.0.0.1"));
}
