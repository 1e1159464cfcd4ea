// Only where a page was opened from the disk: there it may not read a file, but load a script. The
// texts that are copied or downloaded are in one script for each section, see site/offline.py.
{
  const root = new URL("..", document.currentScript.src).href;

  // The copy is not in itself.
  for (const link of document.querySelectorAll('a[href$="learn-pytorch-offline.zip"]')) {
    link.replaceWith(...link.childNodes);
  }

  window.fetch = (address) => new Promise((resolve, reject) => {
    const path = new URL(address, location).href.slice(root.length);
    const [, section] = path.match(/^(?:programs\/|labs\/)?([^/.]+)/) ?? [];
    const script = document.createElement("script");
    script.src = `${root}assets/texts/${section}.js`;
    script.addEventListener("load", () => {
      if (path in __texts) resolve(new Response(__texts[path]));
      else reject(new TypeError(`not in the offline copy: ${path}`));
    });
    script.addEventListener("error", () => reject(new TypeError(`no ${script.src}`)));
    document.head.append(script);
  });

  // Browsers show a file in place of downloading it. A file made by the page they download.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[download]");
    if (!link || event.defaultPrevented) return;
    event.preventDefault();
    const file = document.createElement("a");
    file.download = link.pathname.split("/").pop();
    file.href = URL.createObjectURL(await (await fetch(link.href)).blob());
    file.click();
  });
}
