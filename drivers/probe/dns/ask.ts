import { isIP } from "node:net";
import { connectDatagrams, udpHeaderBytes, waitFor } from "../datagrams.ts";
import { failed, socketFailure } from "../failure.ts";
import { orEnd, type ProbeRun } from "../run.ts";
import { connect, countStream, saidOf } from "../stream/connect.ts";
import { said } from "../target.ts";
import { answersQuery } from "./message.ts";

export interface NameServer {
  readonly host: string;
  readonly port: number;
}

/** Asked again after this share of what is left: a lost datagram is no dead server. */
const tries = 2;
const maxStrayDatagrams = 64;

/** Over UDP, twice at most, from a random port, believing only the server's own address. @throws failed: answer */
export async function askOverUdp(run: ProbeRun, server: NameServer, query: Buffer): Promise<Buffer> {
  run.stage = "answer";
  run.address = server.host;
  const headerBytes = udpHeaderBytes[isIP(server.host) === 6 ? 6 : 4];
  const done = new AbortController();
  let answer: Buffer | undefined;
  let problem: Error | undefined;
  let strays = 0;
  const onMessage = (message: Buffer) => {
    run.sent(message.length + headerBytes, 1);
    if (answersQuery(message, query)) answer ??= message;
    else if (++strays < maxStrayDatagrams) return;
    else problem ??= failed("answer", "bad-answer", `${said(server)} sends datagrams that are no answers`);
    done.abort();
  };
  const onError = (error: Error) => {
    problem ??= error;
    done.abort();
  };
  const socket = await connectDatagrams(run, server, said(server), { onMessage, onError });
  try {
    for (let attempt = 0; attempt < tries && answer === undefined && problem === undefined; attempt++) {
      socket.send(query);
      run.sent(query.length + headerBytes, 1);
      await waitFor(run, attempt + 1 < tries ? run.leftMs() / 2 : run.leftMs(), done.signal);
    }
  } finally {
    socket.close();
  }
  if (answer !== undefined) return answer;
  throw problem ?? failed("answer", "timeout", `${said(server)} did not answer`);
}

/** Over TCP (RFC 7766): two bytes of length before each message; 64 KiB at most by that. @throws failed */
export async function askOverTcp(run: ProbeRun, server: NameServer, query: Buffer): Promise<Buffer> {
  const { socket, address } = await connect(run, server);
  run.stage = "answer";
  const what = saidOf(server, address);
  try {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length, 0);
    const answered = new Promise<Buffer>((resolve, reject) => {
      let received = Buffer.alloc(0);
      socket.on("data", (part: Buffer) => {
        received = Buffer.concat([received, part]);
        const wanted = received.length < 2 ? Number.POSITIVE_INFINITY : 2 + received.readUInt16BE(0);
        if (received.length >= wanted) resolve(received.subarray(2, wanted));
      });
      socket.on("error", (error) => reject(socketFailure(error, "answer", what)));
      socket.once("close", () => reject(failed("answer", "reset", `${what} hung up without an answer`)));
    });
    socket.write(Buffer.concat([length, query]));
    const answer = await orEnd(run.signal, answered);
    if (!answersQuery(answer, query)) throw failed("answer", "bad-answer", `${what} sent something that is no answer`);
    return answer;
  } finally {
    countStream(run, socket);
    socket.destroy();
  }
}
