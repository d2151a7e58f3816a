// Sends the page's forms as JSON with the control token, which no other site can read.
const token = document.querySelector('meta[name="control-token"]').content;
const problem = document.querySelector("#problem");

async function send(form) {
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Sandbox-Token": token },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  if (answer.ok) {
    location.reload();
    return;
  }
  problem.textContent = (await answer.json()).error;
  problem.hidden = false;
}

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  event.preventDefault();
  send(event.target);
});
