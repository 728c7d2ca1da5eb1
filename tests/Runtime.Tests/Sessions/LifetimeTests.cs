namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Threads, cancellation and disposal in any order.</summary>
public sealed class LifetimeTests
{
    [Fact]
    public void A_disposed_session_refuses_calls_and_its_outputs_live_on()
    {
        LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        InputTensor[] inputs = [InputTensor.Of("a", [1f, 2, 3, 4], 1, 4), InputTensor.Of("b", [1f, 1, 1, 1], 1, 4)];
        LorqOutputs outputs = session.Run(inputs);
        session.Dispose();
        session.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal([2f, 3, 4, 5], outputs[0].ToArray<float>());
        Assert.Throws<ObjectDisposedException>(() => session.Run(inputs));
        Assert.Throws<ObjectDisposedException>(() => session.RunInto(inputs, [OutputTensor.Of("sum", new float[4], 1, 4)]));
        Assert.Throws<ObjectDisposedException>(() =>
        {
            _ = session.RunAsync(inputs);
        });
        Assert.Throws<ObjectDisposedException>(() => session.LoadAdapter("x", ReadOnlyMemory<byte>.Empty));
        Assert.Equal(2, session.Inputs.Count);
        outputs.Dispose();
        outputs.Dispose();
        Assert.Throws<ObjectDisposedException>(() => outputs[0].ToArray<float>());
    }

    [Fact]
    public async Task Calls_under_way_end_when_the_session_is_disposed()
    {
        LorqSession session = LorqSession.Load(ModelBuilder.Counting());
        Task<LorqOutputs>[] runs = [.. Enumerable.Range(0, 4).Select(i => session.RunAsync(Count(i, 20_000)))];
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() =>
        {
            _ = session.RunAsync(Count(0, 1));
        });
        LorqOutputs[] all = await Task.WhenAll(runs);
        Assert.Equal([20_000f, 20_001, 20_002, 20_003], all.Select(outputs => outputs[0].AsSpan<float>()[0]));
        Array.ForEach(all, outputs => outputs.Dispose());
    }

    [Fact]
    public void Threads_run_and_dispose_at_a_time()
    {
        for (int round = 0; round < 20; round++)
        {
            LorqSession session = LorqSession.Load(ModelBuilder.Sum());
            int right = 0;
            var threads = Enumerable
                .Range(0, 8)
                .Select(t => new Thread(() =>
                {
                    for (int i = 0; ; i++)
                    {
                        float[] a = [t, i, 1, 2];
                        LorqOutputs outputs;
                        try
                        {
                            outputs = session.Run([InputTensor.Of("a", a, 1, 4), InputTensor.Of("b", a, 1, 4)]);
                        }
                        catch (ObjectDisposedException)
                        {
                            return;
                        }
                        using (outputs)
                        {
                            if (outputs[0].AsSpan<float>().SequenceEqual([2 * t, 2 * i, 2, 4]))
                            {
                                Interlocked.Increment(ref right);
                            }
                            else
                            {
                                Interlocked.Add(ref right, int.MinValue / 2);
                            }
                        }
                    }
                }))
                .ToList();
            threads.ForEach(t => t.Start());
            while (Volatile.Read(ref right) is >= 0 and < 100)
            {
                Thread.Yield();
            }
            session.Dispose();
            threads.ForEach(t => t.Join());
            Assert.True(right >= 100);
        }
    }

    [Fact]
    public async Task Cancellation_ends_a_call_and_the_session_runs_on()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Counting());
        using var source = new CancellationTokenSource();
        Task<LorqOutputs> run = session.RunAsync(Count(0, long.MaxValue), null, source.Token); // never ends by itself
        await Task.Delay(50);
        Assert.False(run.IsCompleted);
        await source.CancelAsync();
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(source.Token, e.CancellationToken);
        Assert.True(run.IsCanceled);

        Assert.ThrowsAny<OperationCanceledException>(() => session.Run(Count(0, 1), null, source.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            session.RunIntoAsync(Count(0, 1), [OutputTensor.Of("y", new float[1])], null, source.Token)
        );
        using LorqOutputs outputs = session.Run(Count(1, 3));
        Assert.Equal([4f], outputs[0].ToArray<float>());
    }

    [Fact]
    public async Task A_wrong_call_fails_its_task()
    {
        using LorqSession session = LorqSession.Load(ModelBuilder.Sum());
        Task<LorqOutputs> run = session.RunAsync([InputTensor.Of("x", [1f], 1)]);
        await Assert.ThrowsAsync<InvalidTensorException>(() => run);
    }

    private static InputTensor[] Count(float from, long trips) => [InputTensor.Of("x", [from]), InputTensor.Of("trips", [trips])];
}
