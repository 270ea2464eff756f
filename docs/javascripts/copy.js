// The copy button of a console block copies its commands, without the prompt: `$ ` cannot be pasted.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.(".md-clipboard, .md-code__button[data-clipboard-target]");
    const block = button?.closest(".highlight, pre")?.querySelector("code") ?? null;
    if (!block) return;
    const commands = block.textContent.split("\n").filter((line) => line.startsWith("$ "));
    if (!commands.length) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    navigator.clipboard.writeText(commands.map((line) => line.slice(2)).join("\n") + "\n");
  },
  true,
);
