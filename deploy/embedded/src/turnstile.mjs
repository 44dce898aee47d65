/**
 * Gives the one backend to one holder at a time, in the order of asking.
 */

export class Cancelled extends Error {}

export class Turnstile {
    #holder = null;
    #waiting = [];

    /** Resolves when `who` holds the turn; rejects with Cancelled if it was taken out of the queue. */
    acquire(who) {
        if (this.#holder === null) {
            this.#holder = who;
            return Promise.resolve();
        }
        return new Promise((resolve, reject) => this.#waiting.push({ who, resolve, reject }));
    }

    /** Hands the turn on. */
    release(who) {
        if (this.#holder !== who) {
            throw new Error('the turn is released by its holder only');
        }
        const next = this.#waiting.shift();
        this.#holder = next ? next.who : null;
        next?.resolve();
    }

    /** Takes `who` out of the queue; without effect when it does not wait. */
    cancel(who) {
        const at = this.#waiting.findIndex((entry) => entry.who === who);
        if (at >= 0) {
            const [entry] = this.#waiting.splice(at, 1);
            entry.reject(new Cancelled());
        }
    }
}
