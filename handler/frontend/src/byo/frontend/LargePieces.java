package byo.frontend;

import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.HttpServerCodec;

/**
 * Has a large body read in large pieces.
 *
 * <p>By itself the frontend reads 64 KB at most and passes on 8 KB at a time: a thousand pieces of 8
 * MB, each through every handler, which takes as long as all the rest, and ten times that before it
 * is compiled.
 */
final class LargePieces {

    /** As Netty has them by default: a request's first line, and all of its headers. */
    private static final int LINE_BYTES = 4096;

    private static final int HEADERS_BYTES = 8192;

    private static final int LEAST_BYTES = 64;
    private static final int FIRST_BYTES = 2048;
    private static final int MOST_BYTES = 512 * 1024;

    private LargePieces() {}

    /** Before anything is read of a connection. */
    static void readBy(Channel channel) {
        // It grows as long as it is filled, and shrinks where it is not.
        channel.config()
                .setRecvByteBufAllocator(
                        new AdaptiveRecvByteBufAllocator(LEAST_BYTES, FIRST_BYTES, MOST_BYTES));
        channel.pipeline()
                .replace(
                        "http",
                        "http",
                        new HttpServerCodec(LINE_BYTES, HEADERS_BYTES, MOST_BYTES));
    }
}
