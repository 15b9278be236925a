import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { runFolder } from "./paths.ts";

/** What the pages are looked at with: made once, before the first journey, and left as it is. */
export interface Things {
  /** A token of an administrator, for what a program does. */
  token: string;
  key: string;
  target: string;
  /** A job that has ended. */
  job: string;
}

const variable = "ROTA_E2E_THINGS";

export function publishThings(things: Things): void {
  process.env[variable] = JSON.stringify(things);
}

/** The things of this run; null where tests are only listed. */
export function things(): Things | null {
  return JSON.parse(process.env[variable] ?? "null") as Things | null;
}

/** The API, as a program with a token meets it. */
export class Api {
  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** Any answer, with its status. */
  async ask(method: string, address: string, body?: unknown): Promise<{ status: number; body: any }> {
    const answer = await fetch(`${this.url}/api/v1/${address}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
  }

  /** An answer that must be good. */
  async get(address: string): Promise<any> {
    return this.good("GET", address);
  }

  async post(address: string, body: unknown): Promise<any> {
    return this.good("POST", address, body);
  }

  private async good(method: string, address: string, body?: unknown): Promise<any> {
    const answer = await this.ask(method, address, body);
    if (answer.status >= 300) throw new Error(`${method} ${address}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async encrypt(key: string, plaintext = "aGVsbG8="): Promise<string> {
    return (await this.post(`keys/${key}/encrypt`, { plaintext })).ciphertext;
  }

  /** Waits for a job's end. */
  async ended(job: string): Promise<string> {
    for (;;) {
      const { state } = await this.get(`reencryptions/${job}`);
      if (["completed", "failed", "cancelled"].includes(state)) return state;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The API of this run, for a journey. */
export function api(): Api {
  const url = process.env.ROTA_E2E_URL;
  const known = things();
  if (url === undefined || known === null) throw new Error("no server of this run: journeys start it in global-setup.ts");
  return new Api(url, known.token);
}

const makeTable = `
import sqlite3, sys, json
file, values = sys.argv[1], json.load(sys.stdin)
table = sqlite3.connect(file)
table.execute("create table customer (id integer primary key, card text)")
table.executemany("insert into customer (card) values (?)", [(value,) for value in values])
table.commit()
`;

/** A table of somebody else's with these values; gives its file. */
export async function sqliteTable(name: string, values: string[]): Promise<string> {
  const file = path.join(runFolder, `${name}-${process.pid}-${Date.now()}.db`);
  const made = promisify(execFile)("python3", ["-c", makeTable, file]);
  made.child.stdin?.end(JSON.stringify(values));
  await made;
  return file;
}

export async function makeThings(url: string, token: string): Promise<Things> {
  const known = { token, key: "page-cards", target: "page-cards-table" };
  const program = new Api(url, token);
  await program.post("keys", {
    name: known.key,
    algorithm: "aes256-gcm",
    owner_team: "Payments",
    purpose: "Card numbers in the orders database",
    tags: { system: "orders" },
  });
  const values: string[] = [];
  for (let record = 0; record < 30; record += 1) values.push(await program.encrypt(known.key));
  const file = await sqliteTable("page", values);
  await program.post("targets", {
    name: known.target,
    kind: "sqlite",
    key: known.key,
    encoding: "base64",
    config: { file, table: "customer", column: "card" },
  });
  const scan = async (): Promise<string> => {
    const job = await program.post("reencryptions", { target: known.target, mode: "scan", reason: "to see what stands there" });
    await program.ended(job.id);
    return job.id;
  };
  await scan();
  await program.post(`keys/${known.key}/rotate`, { reason: "a drill", confirm: true });
  const move = await program.post("reencryptions", { target: known.target, mode: "rewrap", reason: "after the drill" });
  await program.ended(move.id);
  await program.post(`keys/${known.key}/rotate`, { reason: "another drill", confirm: true });
  const job = await scan();
  return { ...known, job };
}
