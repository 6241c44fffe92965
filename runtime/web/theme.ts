export type Theme = "auto" | "light" | "dark";

const storageKey = "gatehouse-theme";
const order: readonly Theme[] = ["auto", "light", "dark"];

export function savedTheme(): Theme {
  const saved = localStorage.getItem(storageKey);
  return order.find((theme) => theme === saved) ?? "auto";
}

/** Applies and remembers a theme; `auto` follows the system. */
export function setTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  localStorage.setItem(storageKey, theme);
}

export function nextTheme(theme: Theme): Theme {
  return order[(order.indexOf(theme) + 1) % order.length] ?? "auto";
}

/** Calls back when the colours change, by the system or by `setTheme`. Returns the removal. */
export function onThemeChange(callback: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(callback);
  system.addEventListener("change", callback);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", callback);
    observer.disconnect();
  };
}

/** What a custom property comes to in the present theme, as a colour a canvas takes. */
export function tokenColour(element: Element, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
