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
        <button class="button primary" type="submit" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  );
}
