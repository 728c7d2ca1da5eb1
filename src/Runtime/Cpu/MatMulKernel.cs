namespace Lorq.Runtime.Cpu;

/// <summary>Runs the tasks of a call, on one or more threads.</summary>
internal interface IParallel
{
    /// <summary>Calls <see cref="MatMulCall.Run"/> for every index below <paramref name="tasks"/> and returns when all are done.</summary>
    void For(MatMulCall call, int tasks);
}

/// <summary>Runs tasks one after the other.</summary>
internal sealed class Serial : IParallel
{
    public void For(MatMulCall call, int tasks)
    {
        for (int i = 0; i < tasks; i++)
        {
            call.Run(i);
        }
    }
}

/// <summary>One node's weights, packed for one instruction set, and how to multiply with them. Safe to use from several threads at a time.</summary>
internal abstract class MatMulKernel : IDisposable
{
    /// <summary>The instruction set.</summary>
    public abstract string IsaName { get; }

    /// <summary>The packed weights.</summary>
    public abstract PackedMatrix Weights { get; }

    /// <summary>How activations are used.</summary>
    public abstract ActivationMode Mode { get; }

    /// <summary><c>y = x·W + (x·L1)·L2 + bias</c>.</summary>
    /// <param name="call">Scratch memory; not in use by another call.</param>
    /// <param name="x">M×K, row by row.</param>
    /// <param name="y">M×N, row by row.</param>
    /// <param name="rows">M; 0 does nothing.</param>
    /// <param name="parallel">The threads.</param>
    public abstract unsafe void Multiply(MatMulCall call, float* x, float* y, int rows, IParallel parallel);

    /// <summary>One task of the phase that the call is in.</summary>
    internal abstract void RunTask(MatMulCall call, int index);

    /// <summary>Frees the weights.</summary>
    public void Dispose() => Weights.Dispose();
}
