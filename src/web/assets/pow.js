// The arithmetic that keeps robots out (ALTCHA's format). It begins when somebody touches the form, works in a worker so that
// the page stays quick, and is done by the time the button is pressed; else the button waits for it. Whatever goes wrong,
// the form is sent all the same: the server lets some through without it, and says what to do.
(function () {
  "use strict";

  if (typeof document === "undefined") {
    solveInWorker();
    return;
  }

  // A solution is thrown away so long before it expires.
  var MARGIN = 60 * 1000;
  var script = document.currentScript && document.currentScript.src;

  Array.prototype.forEach.call(document.querySelectorAll("input[data-challenge]"), watch);

  function watch(field) {
    var form = field.form;
    var status = form.querySelector("[data-proof-status]");
    var state = { working: false, pressed: false, part: 0, goodUntil: 0 };

    function say(text) {
      if (status) status.textContent = text;
    }

    function finish(payload, goodUntil) {
      state.working = false;
      state.goodUntil = goodUntil;
      field.value = payload;
      if (!state.pressed) return;
      say(field.dataset.done);
      form.submit();
    }

    function begin() {
      if (state.working || (field.value && Date.now() < state.goodUntil)) return;
      state.working = true;
      field.value = "";
      fetch(field.dataset.challenge, { headers: { accept: "application/json" }, cache: "no-store" })
        .then(function (answer) {
          if (!answer.ok) throw new Error("no challenge");
          return answer.json();
        })
        .then(function (challenge) {
          var worker = new Worker(script);
          worker.onerror = function () {
            worker.terminate();
            finish("", 0);
          };
          worker.onmessage = function (event) {
            if (event.data.progress !== undefined) {
              // In four parts: each change is read out.
              var part = Math.floor(event.data.progress / 25) * 25;
              if (state.pressed && part !== state.part) say(field.dataset.working + " " + (state.part = part) + " %");
              return;
            }
            worker.terminate();
            finish(event.data.payload || "", expires(challenge.salt) - MARGIN);
          };
          worker.postMessage(challenge);
        })
        .catch(function () {
          finish("", 0);
        });
    }

    form.addEventListener("focusin", begin);
    form.addEventListener("pointerdown", begin);
    form.addEventListener("submit", function (event) {
      if (field.value && Date.now() < state.goodUntil) return;
      event.preventDefault();
      state.pressed = true;
      say(field.dataset.working);
      begin();
    });
    // Back from the next page: what was sent is used up.
    window.addEventListener("pageshow", function (event) {
      if (!event.persisted) return;
      field.value = "";
      state = { working: false, pressed: false, part: 0, goodUntil: 0 };
      say("");
    });
  }

  function expires(salt) {
    var found = /[?&]expires=([0-9]+)/.exec(salt);
    return found ? Number(found[1]) * 1000 : 0;
  }

  function solveInWorker() {
    self.onmessage = function (event) {
      var challenge = event.data;
      var encoder = new TextEncoder();
      var number = 0;

      function next() {
        if (number > challenge.maxnumber) {
          self.postMessage({ payload: "" });
          return;
        }
        // Many at once, since each alone would mostly wait.
        var batch = [];
        for (var end = Math.min(number + 500, challenge.maxnumber + 1); number < end; number++) {
          batch.push(hash(encoder.encode(challenge.salt + number), number));
        }
        Promise.all(batch).then(function (hashes) {
          var found = hashes.find(function (one) {
            return one.hex === challenge.challenge;
          });
          if (found) {
            self.postMessage({ payload: payload(challenge, found.number) });
            return;
          }
          self.postMessage({ progress: Math.round((100 * number) / (challenge.maxnumber + 1)) });
          next();
        });
      }
      next();
    };
  }

  function hash(octets, number) {
    return crypto.subtle.digest("SHA-256", octets).then(function (digest) {
      var hex = Array.prototype.map.call(new Uint8Array(digest), function (octet) {
        return octet.toString(16).padStart(2, "0");
      });
      return { number: number, hex: hex.join("") };
    });
  }

  function payload(challenge, number) {
    return btoa(
      JSON.stringify({
        algorithm: challenge.algorithm,
        challenge: challenge.challenge,
        number: number,
        salt: challenge.salt,
        signature: challenge.signature,
      })
    );
  }
})();
