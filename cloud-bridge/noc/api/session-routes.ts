import type { FastifyInstance } from "fastify";
import { GatewayError } from "#model/errors.ts";
import { sessionCookie } from "./auth.ts";
import type { ApiContext } from "./context.ts";

interface SignIn {
  readonly token?: string;
  readonly link?: string;
}

const signInSchema = {
  type: "object",
  properties: { token: { type: "string", maxLength: 512 }, link: { type: "string", maxLength: 128 } },
  additionalProperties: false,
} as const;

/** Signing in and out. The cookie is out of reach of scripts and of other sites. */
export function addSessionRoutes(app: FastifyInstance, context: ApiContext): void {
  const { gatekeeper } = context;
  app.post<{ Body: SignIn }>("/api/session", { schema: { body: signInSchema } }, async (request, reply) => {
    const { token, link } = request.body;
    const admitted = link === undefined ? token !== undefined && gatekeeper.isToken(token) : gatekeeper.useLink(link);
    if (!admitted) {
      throw new GatewayError("noc.denied", {
        message: link === undefined ? "the token is wrong" : "the link was used before, or is too old",
      });
    }
    const session = gatekeeper.newSession();
    void reply.header(
      "set-cookie",
      `${sessionCookie}=${session.value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${session.maxAgeSeconds}`,
    );
    return reply.code(204).send();
  });
  app.delete("/api/session", async (_request, reply) => {
    void reply.header("set-cookie", `${sessionCookie}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`);
    return reply.code(204).send();
  });
  app.post("/api/sign-in-links", async () => ({ url: `${context.url()}/#sign-in=${gatekeeper.newLink()}` }));
}
