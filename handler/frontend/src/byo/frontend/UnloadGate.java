package byo.frontend;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.ReferenceCountUtil;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Lets the requests of one connection pass to the frontend, so that an UNLOAD breaks nothing off.
 *
 * <p>While a model is being unloaded its invocations are answered with 404, and what would change it
 * (LOAD, scaling, another UNLOAD) waits here; what its client sends after that on the same connection
 * waits with it.
 */
final class UnloadGate extends ChannelDuplexHandler {

    /** A request that has passed, or waits to, and is not answered. */
    interface UnderWay {

        void answered();

        /** Its connection has closed. */
        void clientLeft();
    }

    /** A request that no UNLOAD is concerned with. */
    private static final UnderWay OTHER = new UnderWay() {
        @Override
        public void answered() {}

        @Override
        public void clientLeft() {}
    };

    private final Deque<UnderWay> underWay = new ArrayDeque<>();
    private final Deque<Object> behind = new ArrayDeque<>(); // what has come after one that waits
    private ChannelHandlerContext context;
    private FullHttpRequest held; // one that waits for an UNLOAD, its own or another; null if none
    private boolean isClosing;

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
    }

    @Override
    public void channelRead(ChannelHandlerContext ignored, Object message) {
        if (isClosing) {
            ReferenceCountUtil.release(message);
        } else if (held != null) {
            behind.add(message);
            context.channel().config().setAutoRead(false); // it is to send no more for now
        } else if (message instanceof FullHttpRequest) {
            admit((FullHttpRequest) message);
        } else {
            context.fireChannelRead(message);
        }
    }

    private void admit(FullHttpRequest request) {
        Target target = request.decoderResult().isSuccess() ? Target.of(request) : null;
        String invoked =
                target != null && target.isInvocation() ? ModelTraffic.invokedBy(target) : null;
        String changed = target == null ? null : changedModel(request, target);
        if (invoked != null) {
            invoke(request, invoked);
        } else if (changed == null) {
            pass(request, OTHER);
        } else if (HttpMethod.DELETE.equals(request.method())) {
            unload(request, changed);
        } else if (ModelTraffic.waitForUnload(changed, this::resume)) {
            held = request;
        } else {
            pass(request, OTHER);
        }
    }

    /** The name of the model that a request loads, scales or unloads, or null. */
    private static String changedModel(FullHttpRequest request, Target target) {
        if (!target.isManagement() || HttpMethod.GET.equals(request.method())) {
            return null;
        }
        String managed = target.managedModel();
        return managed != null ? managed : LoadWatch.nameIn(request, target);
    }

    private void invoke(FullHttpRequest request, String model) {
        Invocation invocation = new Invocation(model, request, this);
        if (ModelTraffic.accept(invocation)) {
            pass(request, invocation);
            return;
        }
        Answer.problem(HttpResponseStatus.NOT_FOUND, "Model not found: " + model)
                .send(context, request);
        request.release();
    }

    private void unload(FullHttpRequest request, String model) {
        Unload unload = new Unload(model, context.executor(), this::goOn);
        held = request;
        if (ModelTraffic.begin(unload)) {
            underWay.add(unload);
            unload.waits();
        } else if (!ModelTraffic.waitForUnload(model, this::resume)) {
            resume(); // the other one has just ended
        }
    }

    /** An UNLOAD has ended that a request has waited for: called in any thread. */
    private void resume() {
        context.executor().execute(() -> {
            FullHttpRequest request = release();
            if (request != null) {
                admit(request);
                readOn();
            }
        });
    }

    /** An UNLOAD has waited long enough. */
    private void goOn() {
        FullHttpRequest request = release();
        if (request != null) {
            context.fireChannelRead(request);
            readOn();
        }
    }

    /** What was held, which is not held any more; null if its connection has closed meanwhile. */
    private FullHttpRequest release() {
        FullHttpRequest request = held;
        held = null;
        return request;
    }

    private void readOn() {
        while (held == null && !behind.isEmpty()) {
            channelRead(context, behind.remove());
        }
        if (held == null) {
            context.channel().config().setAutoRead(true);
        }
    }

    private void pass(FullHttpRequest request, UnderWay one) {
        underWay.add(one);
        context.fireChannelRead(request);
    }

    @Override
    public void write(ChannelHandlerContext ignored, Object message, ChannelPromise promise) {
        if (isClosing) {
            ReferenceCountUtil.release(message);
            promise.tryFailure(new ClosedChannelException());
            return;
        }
        if (message instanceof HttpResponse) {
            int status = ((HttpResponse) message).status().code();
            if (status >= HttpResponseStatus.OK.code() && !underWay.isEmpty()) {
                underWay.remove().answered();
            }
        }
        context.write(message, promise);
    }

    /** Answer an invocation that is not answered, and close the connection: called in any thread. */
    void giveUp(Invocation invocation, Answer answer) {
        context.executor().execute(() -> {
            if (!isClosing && underWay.contains(invocation)) {
                isClosing = true;
                context.writeAndFlush(answer.response(context.channel(), invocation.head, true))
                        .addListener(ChannelFutureListener.CLOSE);
                leave();
            }
        });
    }

    @Override
    public void channelInactive(ChannelHandlerContext ignored) {
        isClosing = true;
        leave();
        context.fireChannelInactive();
    }

    private void leave() {
        List<UnderWay> left = new ArrayList<>(underWay);
        underWay.clear();
        left.forEach(UnderWay::clientLeft);
        ReferenceCountUtil.release(release());
        behind.forEach(ReferenceCountUtil::release);
        behind.clear();
    }
}
