package byo.frontend;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Counts what passes to the frontend on one connection, and what it has answered. */
final class BacklogCount extends ChannelDuplexHandler {

    private final Deque<Optional<Backlog>> underWay = new ArrayDeque<>();

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest) {
            Target target = Target.of((HttpRequest) message);
            boolean counts = target != null && target.isInvocation();
            Optional<Backlog> backlog = Optional.ofNullable(counts ? Backlog.of(target) : null);
            backlog.ifPresent(Backlog::begun);
            underWay.add(backlog);
        }
        context.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse) {
            HttpResponse response = (HttpResponse) message;
            int status = response.status().code();
            if (status >= HttpResponseStatus.OK.code() && !underWay.isEmpty()) {
                underWay.remove().ifPresent(backlog -> answered(backlog, response));
            }
        }
        context.write(message, promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        for (Optional<Backlog> one : underWay) {
            one.ifPresent(backlog -> context.executor().schedule(
                    backlog::abandoned, backlog.remainingMilliseconds(), TimeUnit.MILLISECONDS));
        }
        underWay.clear();
        context.fireChannelInactive();
    }

    /** The frontend's own 503 means that its queue is full, or that the model has no worker. */
    private static void answered(Backlog backlog, HttpResponse response) {
        if (HttpResponseStatus.SERVICE_UNAVAILABLE.equals(response.status())) {
            if (!response.headers().contains(HttpHeaderNames.RETRY_AFTER)) {
                response.headers().set(HttpHeaderNames.RETRY_AFTER, backlog.retrySeconds());
            }
            backlog.abandoned();
        } else {
            backlog.answered();
        }
    }
}
