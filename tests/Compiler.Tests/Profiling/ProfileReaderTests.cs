using System.Text;
using Lorq.Diagnostics;
using Lorq.Profiling;

namespace Lorq.Tests.Profiling;

public sealed class ProfileReaderTests
{
    private const string Profile = """
        [
        {"cat":"Session","pid":1,"tid":1,"dur":9,"ts":0,"ph":"X","name":"session_initialization","args":{}},
        {"cat":"Node","dur":1,"ts":101,"name":"first_fence_before","args":{"op_name":"MatMul"}},
        {"cat":"Node","dur":20,"ts":102,"name":"first_kernel_time","args":{"input_type_shape":[{"float":[2,3]}],"op_name":"MatMul","thread":{"op_name":"no"}}},
        {"cat":"Node","dur":5,"ts":131,"name":"inner_kernel_time","args":{"op_name":"Add"}},
        {"cat":"Node","dur":10,"ts":130,"name":"choice_kernel_time","args":{"op_name":"If"}},
        {"cat":"Session","dur":50,"ts":100,"name":"model_run","args":{}},
        {"cat":"Weather","ts":"noon","dur":null,"name":["x"],"more":{"deep":[[{"cat":"Node"}]]}},
        {"cat":"Node","dur":7,"ts":205,"name":"first_kernel_time","args":{"op_name":"MatMul"}},
        {"cat":"Session","dur":30,"ts":200,"name":"model_run","args":{}}
        ]
        """;

    [Fact]
    public void RunsHaveTheirNodesAndWhatIsInsideASubgraphCountsOnce()
    {
        IReadOnlyList<RunTrace> runs = Read(Profile);
        Assert.Equal([50, 30], runs.Select(r => Math.Round(1e6 * r.Seconds, 6)));
        Assert.Equal([("first", "MatMul"), ("choice", "If")], runs[0].Nodes.Select(n => (n.Name, n.Operator)));
        Assert.Equal(30e-6, runs[0].Nodes.Sum(n => n.Seconds), 1e-12);
        Assert.Equal(7e-6, Assert.Single(runs[1].Nodes).Seconds, 1e-12);
    }

    [Fact]
    public void LongTextsAreReadAcrossBuffers()
    {
        string filler = string.Concat(Enumerable.Repeat($$"""{"cat":"{{new string('c', 90_000)}}","ts":1},""", 3));
        Assert.Equal(
            2,
            Read(Profile.Replace("[\n{\"cat\":\"Session\"", "[\n" + filler + "{\"cat\":\"Session\"", StringComparison.Ordinal)).Count
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("""[{"cat":"Node","ts":1,"dur":2,"name":"a_kernel_time","args":{"op_name":"Add"}}]""")]
    public void WhatIsNoProfileIsAnError(string text) => Assert.Equal("LORQ0807", Fails(text).Diagnostic.Id);

    [Fact]
    public void ATruncatedProfileIsAnError()
    {
        for (int length = Profile.TrimEnd().Length - 1; length > 0; length -= 37)
        {
            LorqException e = Fails(Profile[..length]);
            Assert.Equal("LORQ0807", e.Diagnostic.Id);
            Assert.Contains("model.onnx", e.Message);
        }
    }

    private static LorqException Fails(string text) => Assert.Throws<LorqException>(() => Read(text));

    private static IReadOnlyList<RunTrace> Read(string text) =>
        ProfileReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), "model.onnx");
}
