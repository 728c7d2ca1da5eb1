using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Which provider runs, and what is said of those that do not.</summary>
public sealed class ProviderTests
{
    private static readonly ExecutionProvider Absent = ExecutionProvider.Custom(
        "Absent",
        _ => throw new DllNotFoundException("libabsent is not here")
    );

    // Is accepted, and fails when the session is made, as a provider does whose device is missing.
    private static readonly ExecutionProvider Broken = ExecutionProvider.Custom(
        "Broken",
        options => options.OptimizedModelFilePath = "/nowhere/at/all.onnx"
    );

    [Fact]
    public void What_is_refused_falls_back_as_stated_and_says_why()
    {
        using LorqSession session = LorqSession.Load(
            ModelBuilder.Sum(),
            new() { Providers = [Absent, ExecutionProvider.Named("NoSuchProvider"), Broken, ExecutionProvider.Cpu] }
        );
        Assert.Same(ExecutionProvider.Cpu, session.Provider);
        Assert.Equal(["Absent", "NoSuchProvider", "Broken"], session.ProviderNotes.Select(n => n.Provider.Name));
        Assert.Equal("Absent refused: libabsent is not here", session.ProviderNotes[0].ToString());
        Assert.All(session.ProviderNotes, n => Assert.NotEmpty(n.Reason));
    }

    [Fact]
    public void Cuda_runs_or_is_refused_with_a_reason()
    {
        using LorqSession session = LorqSession.Load(
            ModelBuilder.Sum(),
            new() { Providers = [ExecutionProvider.Cuda(), ExecutionProvider.Cpu] }
        );
        Assert.Equal(session.Provider.IsCpu ? 1 : 0, session.ProviderNotes.Count);
    }

    [Fact]
    public void Nothing_that_was_not_stated_is_used()
    {
        var e = Assert.Throws<ProviderException>(() => LorqSession.Load(ModelBuilder.Sum(), new() { Providers = [Absent] }));
        Assert.Same(Absent, Assert.Single(e.Notes).Provider);
        Assert.Contains("libabsent is not here", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => LorqSession.Load(ModelBuilder.Sum(), new() { Providers = [] }));
        Assert.Throws<ArgumentException>(() => LorqSession.Load(ModelBuilder.Sum(), new() { Providers = [ExecutionProvider.Cpu, Absent] }));
    }

    [Fact]
    public void A_broken_model_is_the_models_fault()
    {
        Assert.Throws<OnnxRuntimeException>(() =>
            LorqSession.Load(new byte[] { 1, 2, 3 }, new() { Providers = [Broken, ExecutionProvider.Cpu] })
        );
        Assert.Throws<FileNotFoundException>(() => LorqSession.Load("/nowhere/model.onnx"));
    }

    [Fact]
    public void The_hook_sets_what_the_options_lack()
    {
        int threads = 0;
        using LorqSession session = LorqSession.Load(
            ModelBuilder.Sum(),
            new()
            {
                IntraOpThreads = 2,
                Configure = o =>
                {
                    threads = o.IntraOpNumThreads;
                    o.AddFreeDimensionOverrideByName("batch", 3);
                },
            }
        );
        Assert.Equal(2, threads);
        Assert.Equal("a: Float[3, 4]", session.Inputs[0].ToString());
    }
}
