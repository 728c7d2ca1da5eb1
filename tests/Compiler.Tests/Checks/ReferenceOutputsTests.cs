using Lorq.Checks;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Tests.Checks;

public class ReferenceOutputsTests
{
    [Fact]
    public void HeldOutputsGiveTheSameResultAsLiveOnes()
    {
        var random = new Random(2);
        var live = new DivergenceAccumulator([Values.Signature("logits")], "mask");
        var held = new DivergenceAccumulator([Values.Signature("logits")], null);
        var reference = new ReferenceOutputs([Values.Signature("logits")], "mask");
        for (int batch = 0; batch < 3; batch++)
        {
            float[] a = Values.Normal(random, 2 * 4 * 6);
            using OrtValue va = Values.Floats(a, 2, 4, 6);
            using OrtValue vb = Values.Floats(Values.Normal(random, a.Length), 2, 4, 6);
            var inputs = Values.Batch(2, [1, 1, 1, 0, 1, 0, 1, batch]);
            live.Add(inputs, [va], [vb]);
            Assert.True(reference.TryAdd(inputs, [va]));
            Array.Clear(a);
            held.Add(reference, batch, [vb]);
        }
        Assert.Equivalent(live.Result(), held.Result(), strict: true);
    }

    [Fact]
    public void MemoryIsBoundedByAPrefixOfTheBatches()
    {
        var reference = new ReferenceOutputs([Values.Signature("y")], null, memoryLimit: 2500);
        using OrtValue large = Values.Floats(new float[256], 1, 1, 256);
        using OrtValue small = Values.Floats(new float[1], 1, 1, 1);
        Assert.True(reference.TryAdd(Values.Batch(1), [large]));
        Assert.True(reference.TryAdd(Values.Batch(1), [large]));
        Assert.False(reference.TryAdd(Values.Batch(1), [large]));
        Assert.False(reference.TryAdd(Values.Batch(1), [small]));
        Assert.True(reference.IsFull);
        Assert.Equal(2, reference.Count);
        Assert.InRange(reference.Bytes, 2048, 2500);
    }
}
