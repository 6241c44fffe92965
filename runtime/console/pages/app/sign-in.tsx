import { useEffect, useState } from "preact/hooks";
import { ask, ServerError } from "./server.ts";

/** Takes a one-time code, or whatever else the gateway accepts. A code in the address (`#code=`) is used at once and taken out of it. */
export function SignIn(props: { readonly onSignedIn: () => void }) {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const send = async (secret: string) => {
    setBusy(true);
    try {
      await ask("/api/session", { method: "POST", body: { secret } });
      props.onSignedIn();
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      setProblem(error.message);
      setBusy(false);
    }
  };
  useEffect(() => {
    const code = new URLSearchParams(location.hash.replace(/^#/, "")).get("code");
    if (code === null) return;
    history.replaceState(null, "", location.pathname);
    void send(code);
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (event.currentTarget instanceof HTMLFormElement) void send(String(new FormData(event.currentTarget).get("secret") ?? "").trim());
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <h1>Gatehouse</h1>
        <p class="muted">
          This gateway watches the equipment of this site. Type the one-time code that <span class="mono">gatehouse console code</span>{" "}
          prints on the gateway's terminal, or paste the access token your provider gave you.
        </p>
        <label for="secret">One-time code or token</label>
        <input
          id="secret"
          name="secret"
          class="field mono"
          autocomplete="one-time-code"
          autocapitalize="characters"
          spellcheck={false}
          required
        />
        {problem === undefined ? null : (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <Challenge />
        <button class="button primary" type="submit" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  );
}

/** For a site without any network: read the challenge to the NOC, type what it reads back. */
function Challenge() {
  const [shown, setShown] = useState<{ readonly challenge?: string; readonly problem?: string } | undefined>(undefined);
  const show = async () => {
    try {
      const { challenge } = await ask<{ readonly challenge?: string }>("/api/challenge", { method: "POST", body: {} });
      setShown(challenge === undefined ? { problem: "This gateway was not enrolled, so it has no challenge." } : { challenge });
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      setShown({ problem: error.message });
    }
  };
  if (shown?.challenge !== undefined)
    return (
      <p>
        Read this to the NOC on the telephone and type the answer above: <b class="mono">{shown.challenge}</b>
      </p>
    );
  return (
    <>
      <button class="button quiet" type="button" onClick={() => void show()}>
        No network? Sign in by telephone
      </button>
      {shown?.problem === undefined ? null : <p class="muted">{shown.problem}</p>}
    </>
  );
}
