/** Ending a connection at once, with what the kernel has queued for it. */
import type { Socket } from 'node:net';

/**
 * Closes a socket with RST, so that the kernel forgets what it has not sent yet. Without one where there is no such thing: for Unix
 * sockets, before the connection stands, and while a FIN is under way (uv_tcp_close_reset refuses that with EINVAL, upon which Node 20
 * neither closes the socket nor says so, and spins at its end).
 */
export function resetSocket(socket: Socket): void {
  const finUnderWay = socket.writableEnded && !socket.writableFinished;
  if (socket.remoteFamily === undefined || finUnderWay) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}
