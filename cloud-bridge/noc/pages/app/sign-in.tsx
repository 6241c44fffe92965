import { useState } from "preact/hooks";
import { ask, ServerError } from "./server.ts";

/** Uses the one-time code in the address, if there is one, and takes it out of the address. */
export async function signInByLink(): Promise<string | undefined> {
  const link = new URLSearchParams(location.hash.replace(/^#/, "")).get("sign-in");
  if (link === null) return undefined;
  history.replaceState(null, "", location.pathname);
  try {
    await ask("/api/session", { method: "POST", body: JSON.stringify({ link }) });
    return undefined;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    return error.message;
  }
}

export function SignIn(props: { readonly problem: string | undefined; readonly onSignedIn: () => void }) {
  const [problem, setProblem] = useState(props.problem);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const token = String(new FormData(form).get("token") ?? "").trim();
    try {
      await ask("/api/session", { method: "POST", body: JSON.stringify({ token }) });
      props.onSignedIn();
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      setProblem(error.message);
    }
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <h1>Gatehouse NOC</h1>
        <p class="muted">
          Open the link that <span class="mono">gatehouse noc serve</span> printed, or print a new one with{" "}
          <span class="mono">gatehouse noc sign-in</span>. It signs one browser in.
        </p>
        <label for="token">Or paste the API token</label>
        <input id="token" name="token" class="field mono" type="password" autocomplete="off" required />
        {problem === undefined ? null : (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button class="button primary" type="submit">
          Sign in
        </button>
      </form>
    </main>
  );
}
