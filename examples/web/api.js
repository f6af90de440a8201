// A GraphQL client: queries and mutations by fetch, files by the multipart request specification, subscriptions over
// graphql-transport-ws.

export const address = new URLSearchParams(location.search).get('api') ?? 'http://127.0.0.1:8000/graphql';

let token = sessionStorage.getItem('token');

export function signIn(given) {
  token = given || null;
  if (token) sessionStorage.setItem('token', token);
  else sessionStorage.removeItem('token');
}

export const isSignedIn = () => token !== null;

const bearer = () => (token ? { authorization: `Bearer ${token}` } : {});

/** Runs an operation; answers with its data, or throws the first error. */
export async function run(query, variables = {}) {
  return answer({
    headers: { 'content-type': 'application/json', ...bearer() },
    body: JSON.stringify({ query, variables }),
  });
}

/** Runs an operation with a file as its variable `file`. */
export async function upload(query, variables, file) {
  const body = new FormData();
  body.set('operations', JSON.stringify({ query, variables: { ...variables, file: null } }));
  body.set('map', JSON.stringify({ 0: ['variables.file'] }));
  body.set('0', file);
  return answer({ headers: bearer(), body });
}

async function answer(init) {
  const response = await fetch(address, { method: 'POST', ...init });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

/** Follows a subscription, over new connections as long as it takes; answers with what ends it. */
export function follow(query, { next, online = () => {} }) {
  let socket;
  let again;
  let ended = false;
  const connect = () => {
    socket = new WebSocket(address.replace(/^http/, 'ws'), 'graphql-transport-ws');
    const say = (message) => socket.send(JSON.stringify(message));
    socket.onopen = () => say({ type: 'connection_init', payload: token ? { token } : {} });
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'ping') say({ type: 'pong' });
      if (message.type === 'connection_ack') {
        online(true);
        say({ id: '1', type: 'subscribe', payload: { query } });
      }
      if (message.type === 'next' && message.payload.data) next(message.payload.data);
    };
    socket.onclose = ({ code }) => {
      if (ended) return;
      online(false);
      // 4403: the token is wrong or has ended, and would be so the next time.
      if (code !== 4403) again = setTimeout(connect, 1000);
    };
  };
  connect();
  return () => {
    ended = true;
    clearTimeout(again);
    socket.close();
  };
}
