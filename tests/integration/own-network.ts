import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { peer } from "../peers.ts";

/** A host of its own, one cable away: what a flow may call must not be this machine, and a cable that can be cut is a fault like any other. */
export class OwnNetwork {
  /** TEST-NET-2 (RFC 5737), one pair for each test process. */
  readonly #net = process.pid % 64;
  readonly #name = `gh${process.pid}`.slice(0, 12);
  #holder: ChildProcess | undefined;
  #server: ChildProcess | undefined;
  #echo: ChildProcess | undefined;
  #file = "";
  isOpen = false;

  get address(): string {
    return `198.51.100.${this.#net * 4 + 2}`;
  }

  /** Needs the right to make networks; without it `isOpen` stays false. */
  open(): void {
    if (!peer("ip").available || spawnSync("unshare", ["-n", "true"]).status !== 0) return;
    this.#holder = spawn("unshare", ["-n", "sleep", "600"], { stdio: "ignore" });
    const own = `198.51.100.${this.#net * 4 + 1}/30`;
    const pid = String(this.#holder.pid);
    // The namespace is there as soon as the child has left ours.
    for (let round = 0; round < 100 && this.#namespace(pid) === this.#namespace("self"); round += 1) spawnSync("sleep", ["0.05"]);
    const words: readonly (readonly string[])[] = [
      ["ip", "link", "add", this.#name, "type", "veth", "peer", "name", "far", "netns", pid],
      ["ip", "addr", "add", own, "dev", this.#name],
      ["ip", "link", "set", this.#name, "up"],
      [...this.#inside, "ip", "addr", "add", `${this.address}/30`, "dev", "far"],
      [...this.#inside, "ip", "link", "set", "far", "up"],
      [...this.#inside, "ip", "link", "set", "lo", "up"],
    ];
    this.isOpen = words.every(([command = "", ...rest]) => spawnSync(command, rest).status === 0);
    if (!this.isOpen) this.close();
  }

  get #inside(): readonly string[] {
    return ["nsenter", "-n", "-t", String(this.#holder?.pid ?? 0)];
  }

  #namespace(pid: string): string {
    return spawnSync("readlink", [`/proc/${pid}/ns/net`]).stdout.toString();
  }

  cut(): void {
    // Answers to pings stop; the page behind port 8080 still tells its story.
    if (this.isOpen) spawnSync("nsenter", [...this.#inside.slice(1), "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1"]);
  }

  mend(): void {
    if (this.isOpen) spawnSync("nsenter", [...this.#inside.slice(1), "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=0"]);
  }

  /** A status page on port 8080 that says how old the last backup is; `file` is read at each request. */
  serve(file: string): void {
    if (!this.isOpen) return;
    this.#file = file;
    const answer = `JSON.stringify({last:Date.now()-Number(require("fs").readFileSync(${JSON.stringify(file)},"utf8"))*3600e3})`;
    const code = `require("http").createServer((q,r)=>{r.setHeader("content-type","application/json");r.end(${answer})}).listen(8080)`;
    this.#server = spawn("nsenter", [...this.#inside.slice(1), process.execPath, "-e", code], { stdio: "ignore" });
  }

  /** On port 8081 the worst of servers: it tells whoever asks what was sent, in header and body, in every writing it knows. */
  echo(): void {
    if (!this.isOpen) return;
    const code = `require("http").createServer((q,r)=>{
      const a=q.headers.authorization||"",t=a.replace(/^Bearer /,""),b=Buffer.from(t);
      r.setHeader("x-you-sent",a);r.setHeader("content-type","application/json");
      r.end(JSON.stringify({asked:q.headers,told:[a,b.toString("base64"),b.toString("hex"),encodeURIComponent(t),Buffer.from("operator:"+t).toString("base64")],length:t.length}))
    }).listen(8081)`;
    this.#echo = spawn("nsenter", [...this.#inside.slice(1), process.execPath, "-e", code], { stdio: "ignore" });
  }

  tell(ageHours: number): void {
    if (this.#file !== "") writeFileSync(this.#file, String(ageHours));
  }

  close(): void {
    this.#server?.kill("SIGKILL");
    this.#echo?.kill("SIGKILL");
    this.#holder?.kill("SIGKILL");
    this.isOpen = false;
  }
}
